/** Foreign JSON, read with care: never throws, never deeper than we would walk. */
import type { Json } from "#peer/channel.ts";

/** Deeper nesting is nobody's message; walking it could exhaust the stack. */
const MAX_DEPTH = 100;

/** Value of JSON text, or undefined when it is none or nested deeper than 100 levels. */
export function parseForeignJson(text: string): Json | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isShallow(value, MAX_DEPTH) ? (value as Json) : undefined;
}

export type JsonObject = { readonly [name: string]: Json };

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The member if it is text, else "". */
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** A member that JSON text left out is null. */
export const jsonOf = (value: unknown): Json => (value === undefined ? null : (value as Json));

/** Readable form of anything: text as it is, the rest as JSON, nothing as "". */
export const displayOf = (value: unknown): string =>
  typeof value === "string"
    ? value
    : value === undefined || value === null
      ? ""
      : JSON.stringify(value);

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  for (const item of Array.isArray(value) ? value : Object.values(value))
    if (!isShallow(item, levels - 1)) return false;
  return true;
}
