/**
 * From text off the wire to a checked value: JSON, then the guards every reader needs, then a shape.
 * Nothing here throws on input. SPEC P6.
 */
import * as v from "valibot";
import { base64ToBytes, hasBase64Form } from "#base/base64.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { ProtocolFailure } from "./failure.ts";
import { isUuid } from "./ids.ts";
import { MAX_ID_CHARACTERS, MAX_JSON_DEPTH } from "./limits.ts";

/**
 * A JSON value that no later step can trip over.
 *
 * Fails with `protocol/not-json`, `protocol/too-deep` (over 32 levels), `protocol/forbidden-key` (a member that
 * reaches a prototype), `protocol/bad-text` (a lone surrogate), `protocol/bad-number` (beyond 2^53-1).
 * Source: SPEC P6.
 */
export function parseJson(text: string): Result<unknown, ProtocolFailure> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err({ kind: "protocol/not-json" });
  }
  const fault = faultIn(value);
  return fault === null ? ok(value) : err(fault);
}

/**
 * The value as the schema describes it, unknown members left out.
 *
 * Fails with `protocol/bad-shape`, naming the first member at fault.
 */
export function parseShape<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): Result<v.InferOutput<Schema>, ProtocolFailure> {
  const parsed = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return ok(parsed.output);
  return err({ kind: "protocol/bad-shape", path: v.getDotPath(parsed.issues[0]) ?? "" });
}

/** An id of one meaning: canonical lower-case UUID text. */
export const idSchema = <Id extends string>() => v.custom<Id>(isUuid);

/** Standard padded base64 of any length. Whoever decodes it still checks that it is canonical. */
export const base64Schema = v.pipe(v.string(), v.check(hasBase64Form));

/** Canonical base64 of exactly `sizeBytes` bytes. */
export const base64OfSchema = (sizeBytes: number) =>
  v.pipe(
    v.string(),
    v.check(
      (text) =>
        text.length === 4 * Math.ceil(sizeBytes / 3) && base64ToBytes(text)?.length === sizeBytes,
    ),
  );

/** ISO 8601 in UTC with milliseconds. */
export const timestampSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
);

/** A whole number from 0 up. */
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A position in a conversation's log: from 1. */
export const seqSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** Short opaque text: a correlation id, a hint. */
export const tokenSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_ID_CHARACTERS),
  v.check((text) => !text.includes("\0")),
);

const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

// Walks with its own stack: the value may be nested deeper than the engine's.
function faultIn(root: unknown): ProtocolFailure | null {
  const pending: { readonly value: unknown; readonly depth: number }[] = [
    { value: root, depth: 0 },
  ];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    if (typeof value === "string") {
      if (!value.isWellFormed()) return { kind: "protocol/bad-text" };
    } else if (typeof value === "number") {
      if (!isExactNumber(value)) return { kind: "protocol/bad-number" };
    } else if (typeof value === "object" && value !== null) {
      if (depth >= MAX_JSON_DEPTH) return { kind: "protocol/too-deep" };
      for (const [key, member] of Object.entries(value)) {
        if (FORBIDDEN_KEYS.has(key)) return { kind: "protocol/forbidden-key" };
        if (!key.isWellFormed()) return { kind: "protocol/bad-text" };
        pending.push({ value: member, depth: depth + 1 });
      }
    }
  }
  return null;
}

const isExactNumber = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
