/** Small records of the store as JSON, with bytes as base64. What does not parse is our own damaged disk: null. */
import * as v from "valibot";
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import { parseJson, parseShape } from "#protocol/parse.ts";

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
  const text = bytes === null ? null : utf8ToText(bytes);
  const json = text === null ? null : parseJson(text);
  if (json === null || !json.ok) return null;
  const shape = parseShape(schema, json.value);
  return shape.ok ? shape.value : null;
}
