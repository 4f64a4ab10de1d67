import type { FormField, Values } from "./card-types.ts";

/** What a form begins with: the kept draft over the agent's defaults. */
export function startingValues(fields: readonly FormField[], draft: Values | null): Values {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    if (draft !== null && Object.hasOwn(draft, field.id)) values[field.id] = draft[field.id];
    else if (field.default !== undefined && field.type !== "secret")
      values[field.id] = field.default;
  }
  return values;
}

/** What may be kept as a draft: everything but secrets. */
export const draftOf = (fields: readonly FormField[], values: Values): Values =>
  Object.fromEntries(
    fields
      .filter((field) => field.type !== "secret" && values[field.id] !== undefined)
      .map((field) => [field.id, values[field.id]]),
  );

export const asText = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : "";

export const asTexts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];

/** A number as people type it, or the text itself, which the check then refuses. */
export function readNumber(text: string): number | string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed.replace(/^([+-]?\d+),(\d+)$/, "$1.$2"));
  return Number.isFinite(value) ? value : text;
}
