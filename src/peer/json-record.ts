/** Small records of the store as JSON, with bytes as base64. What does not parse is our own damaged disk: null. */
import * as v from "valibot";
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import { parseShape } from "#protocol/parse.ts";

/** Bytes inside a record. */
export const BytesText = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Bytes => {
    const bytes = base64ToBytes(dataset.value);
    if (bytes !== null) return bytes;
    addIssue({ message: "not base64" });
    return NEVER;
  }),
);

/** A record as stored; byte arrays in it become base64. */
export const encodeRecord = (value: unknown): Bytes =>
  utf8(
    JSON.stringify(value, (_key, member: unknown) =>
      member instanceof Uint8Array ? bytesToBase64(member) : member,
    ),
  );

/** The record, or null when it is missing or not of this shape. */
export function parseRecord<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Bytes | null,
): v.InferOutput<Schema> | null {
  if (bytes === null) return null;
  const shape = parseShape(schema, parseOwnJson(bytes));
  return shape.ok ? shape.value : null;
}

/**
 * The value of JSON that this layer wrote; undefined when the disk damaged it. The guards for strangers' JSON are not
 * wanted here: what they let in once is stored a few levels deeper, and must come out again.
 */
export function parseOwnJson(bytes: Bytes): unknown {
  try {
    return JSON.parse(utf8ToText(bytes) ?? "");
  } catch {
    return undefined;
  }
}
