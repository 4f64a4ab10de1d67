/** Search over what lies on this device: the log is scanned, newest first; no index exists that could leak. */
import type { Clock } from "#base/clock.ts";
import type { SearchHitView } from "#bridge/views.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { Store } from "#peer/store.ts";
import type { Session } from "./session.ts";
import { scanLog } from "./log-scan.ts";
import { searchableText } from "./thread/payload-text.ts";
import { meaningOf } from "./thread/row.ts";

/** Search in one conversation or in all. */
export const searchConversations = (
  { store, book, deps }: Session,
  input: {
    readonly query: string;
    readonly conversationId: ConversationId | null;
    readonly limit: number;
  },
  signal: AbortSignal | null,
): Promise<readonly SearchHitView[]> => {
  const wanted = book
    .list()
    .filter(({ id }) => input.conversationId === null || id === input.conversationId)
    .map((one) => ({ id: one.id, title: book.view(one).title }));
  return searchLogs(store, deps.clock, wanted, input.query, input.limit, signal);
};

/** Characters of a hit shown around the words found. */
const SNIPPET_CHARACTERS = 120;
/** Rows read between two looks at the signal and the worker's other work. */
const ROWS_A_BREATH = 1_000;

/** Text as it is compared: without case, width and accents. */
export const foldText = (text: string): string =>
  text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();

/**
 * At most `limit` messages that hold every word of the query, newest first.
 *
 * An aborted search gives what it has found so far.
 */
export async function searchLogs(
  store: Store,
  clock: Clock,
  conversations: readonly { readonly id: ConversationId; readonly title: string }[],
  query: string,
  limit: number,
  signal: AbortSignal | null,
): Promise<readonly SearchHitView[]> {
  const words = foldText(query)
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return [];
  const hits: SearchHitView[] = [];
  let read = 0;
  for (const { id, title } of conversations) {
    let found = 0;
    for await (const entry of scanLog(store, id)) {
      if (++read % ROWS_A_BREATH === 0) await breathe(clock);
      if (signal?.aborted === true) return hits;
      // A conversation gives no more than the whole answer may hold; it is cut by time at the end.
      if (found >= limit) break;
      if (entry.content.kind !== "message") continue;
      const meaning = meaningOf(entry);
      if (meaning.kind !== "row" || meaning.row.body.kind !== "payload") continue;
      const text = searchableText(meaning.row.body.payload);
      const folded = foldText(text);
      if (!words.every((word) => folded.includes(word))) continue;
      found++;
      const { messageId } = entry.content;
      hits.push({
        conversationId: id,
        messageId,
        title,
        snippet: snippet(text, words),
        at: entry.at,
      });
    }
  }
  return hits.sort((a, b) => b.at - a.at).slice(0, limit);
}

const breathe = (clock: Clock): Promise<void> => new Promise((resolve) => clock.after(0, resolve));

/** The part of a text around the first word found, on one line. */
function snippet(text: string, words: readonly string[]): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  const characters = Array.from(line);
  if (characters.length <= SNIPPET_CHARACTERS) return line;
  const folded = characters.map(foldText).join("");
  const first = Math.min(...words.map((word) => folded.indexOf(word)).filter((at) => at >= 0));
  // Folding changes lengths a little; a snippet need not be exact.
  const from = Math.max(
    0,
    Math.min(Number.isFinite(first) ? first - 30 : 0, characters.length - SNIPPET_CHARACTERS),
  );
  const cut = characters.slice(from, from + SNIPPET_CHARACTERS).join("");
  return `${from > 0 ? "…" : ""}${cut}${from + SNIPPET_CHARACTERS < characters.length ? "…" : ""}`;
}
