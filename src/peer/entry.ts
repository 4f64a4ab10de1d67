/** An entry as the log keeps it: the very value that is told, as JSON. */
import * as v from "valibot";
import { utf8, type Bytes } from "#base/bytes.ts";
import { parseShape } from "#protocol/parse.ts";
import type { Entry } from "./endpoint.ts";
import { parseOwnJson } from "./json-record.ts";

/** Bytes of a log row. */
export const encodeEntry = (entry: Entry): Bytes => utf8(JSON.stringify(entry));

const Head = v.looseObject({
  conversationId: v.string(),
  seq: v.number(),
  at: v.number(),
  authorId: v.string(),
  content: v.looseObject({ kind: v.string() }),
});

/** The entry of a log row, or null when the row is damaged. Only this layer writes rows, so the head is proof enough. */
export function parseEntry(row: Bytes): Entry | null {
  const value = parseOwnJson(row);
  return parseShape(Head, value).ok ? (value as Entry) : null;
}
