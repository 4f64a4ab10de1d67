/**
 * The words of each message as a search compares them, read from the logs once and kept in memory for the next search.
 * What a commit writes is read anew, so a message that was taken back is found no more. Nothing of it is on disk, and
 * it ends with the session. SPEC N55.
 */
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import { parseEntry } from "#peer/entry.ts";
import type { LogRow, Store } from "#peer/store.ts";
import { isMarkdown, searchableText } from "./thread/payload-text.ts";
import { meaningOf } from "./thread/row.ts";

export type SearchText = {
  readonly messageId: MessageId;
  readonly seq: number;
  readonly at: number;
  /** {@link foldText} of the words. */
  readonly folded: string;
};

export type WordsAt = {
  readonly authorId: AccountId;
  readonly text: string;
  /** Its marks are drawn, not shown. */
  readonly isMarkdown: boolean;
};

export interface SearchTexts {
  /** The store whose commits are followed; what is written past it is not found. */
  readonly store: Store;
  /** Messages with words, newest first, some hundred at a time. */
  of(conversationId: ConversationId): AsyncGenerator<readonly SearchText[]>;
  /** The words as they were written and who wrote them; null when they are gone. */
  wordsAt(conversationId: ConversationId, seq: number): Promise<WordsAt | null>;
}

/** Text as it is compared: without case, width and accents. */
export const foldText = (text: string): string =>
  (IS_ASCII.test(text) ? text : text.normalize("NFKD").replaceAll(/\p{M}/gu, "")).toLowerCase();
const IS_ASCII = /^[\0-\x7F]*$/;

/** Places of a log that are read, kept and forgotten together. */
const PLACES_A_PART = 200;
/** Characters kept at most; what comes beyond is read from the disk by each search. */
const MAX_CHARACTERS = 16_000_000;

type Part = { readonly texts: readonly SearchText[]; readonly characters: number };

export function createSearchTexts(inner: Store): SearchTexts {
  const logs = new Map<ConversationId, Map<number, Part>>();
  let characters = 0;
  let commits = 0;

  const forget = (parts: Map<number, Part> | undefined, which: Iterable<number>): void => {
    for (const number of which) {
      characters -= parts?.get(number)?.characters ?? 0;
      parts?.delete(number);
    }
  };
  const follow: Store["commit"] = async (batch) => {
    const written = await inner.commit(batch);
    commits += 1;
    for (const { conversationId, seq } of batch.log ?? [])
      forget(logs.get(conversationId), [partOf(seq)]);
    for (const id of batch.dropLogs ?? []) forget(logs.get(id), [...(logs.get(id)?.keys() ?? [])]);
    return written;
  };
  const read = async (conversationId: ConversationId, number: number): Promise<Part> => {
    const parts = logs.get(conversationId) ?? new Map<number, Part>();
    logs.set(conversationId, parts);
    const known = parts.get(number);
    if (known !== undefined) return known;
    const before = commits;
    const rows = await inner.logAfter(conversationId, number * PLACES_A_PART, PLACES_A_PART);
    const texts = rows
      .filter(({ seq }) => partOf(seq) === number)
      .flatMap(searched)
      .toReversed();
    const part = { texts, characters: texts.reduce((sum, { folded }) => sum + folded.length, 0) };
    // A commit in between knows better: what was read here may be its past.
    if (commits !== before || parts.has(number) || characters + part.characters > MAX_CHARACTERS)
      return part;
    parts.set(number, part);
    characters += part.characters;
    return part;
  };

  return {
    store: {
      get: (table, key) => inner.get(table, key),
      list: (table, prefix) => inner.list(table, prefix),
      logBefore: (id, beforeSeq, limit) => inner.logBefore(id, beforeSeq, limit),
      logAfter: (id, afterSeq, limit) => inner.logAfter(id, afterSeq, limit),
      logAt: (id, seq) => inner.logAt(id, seq),
      commit: follow,
      close: () => inner.close(),
    },
    async *of(conversationId) {
      const [newest] = await inner.logBefore(conversationId, Number.MAX_SAFE_INTEGER, 1);
      const [oldest] = await inner.logAfter(conversationId, 0, 1);
      if (newest === undefined || oldest === undefined) return;
      for (let number = partOf(newest.seq); number >= partOf(oldest.seq); number--)
        yield (await read(conversationId, number)).texts;
    },
    async wordsAt(conversationId, seq) {
      const row = await inner.logAt(conversationId, seq);
      const words = row === null ? null : wordsOf(row);
      return words === null || words.text === "" ? null : words;
    },
  };
}

const partOf = (seq: number): number => Math.floor((seq - 1) / PLACES_A_PART);

function wordsOf(row: LogRow["row"]) {
  const entry = parseEntry(row);
  if (entry?.content.kind !== "message") return null;
  const meaning = meaningOf(entry);
  if (meaning.kind !== "row" || meaning.row.body.kind !== "payload") return null;
  const { messageId } = entry.content;
  const { at, authorId, authorKind } = entry;
  const { payload } = meaning.row.body;
  return {
    messageId,
    at,
    authorId,
    text: searchableText(payload),
    isMarkdown: payload.type === "text" && isMarkdown(payload, authorKind),
  };
}

function searched({ seq, row }: LogRow): readonly SearchText[] {
  const words = wordsOf(row);
  if (words === null) return [];
  const { messageId, at, text } = words;
  return [{ messageId, seq, at, folded: foldText(text) }];
}
