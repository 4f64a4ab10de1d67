/** Search over what lies on this device: the words are gone through, newest first; no index exists that could leak. */
import type { Clock } from "#base/clock.ts";
import type { SearchHitView } from "#bridge/views.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import { foldText, type SearchTexts, type WordsAt } from "./search-texts.ts";
import type { Session } from "./session.ts";
import { withoutMarks } from "./thread/payload-text.ts";

/** Search in one conversation or in all; each hit with its author by the name this person knows. */
export const searchConversations = async (
  { texts, book, deps, people, selfId }: Session,
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
  const found = await searchLogs(texts, deps.clock, wanted, input.query, input.limit, signal);
  return found.map(({ authorId, ...hit }) => ({
    ...hit,
    authorName: people.nameOf(authorId),
    isSelf: authorId === selfId,
  }));
};

/** What the logs themselves say of a hit. */
type LoggedHit = Omit<SearchHitView, "authorName" | "isSelf"> & { readonly authorId: AccountId };

/** Characters of a hit shown around the words found. */
const SNIPPET_CHARACTERS = 120;
/** Of Markdown, what is read around the words found. */
const WINDOW_CHARACTERS = 640;
/** How long the worker's other work waits for a search at most. */
const BREATH_MS = 10;

/**
 * At most `limit` messages that hold every word of the query, newest first.
 *
 * An aborted search gives what it has found so far.
 */
export async function searchLogs(
  texts: SearchTexts,
  clock: Clock,
  conversations: readonly { readonly id: ConversationId; readonly title: string }[],
  query: string,
  limit: number,
  signal: AbortSignal | null,
): Promise<readonly LoggedHit[]> {
  const words = foldText(query)
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return [];
  const hits: LoggedHit[] = [];
  let breathedAt = clock.now();
  for (const { id, title } of conversations) {
    let found = 0;
    for await (const part of texts.of(id)) {
      if (clock.now() - breathedAt >= BREATH_MS) {
        await breathe(clock);
        breathedAt = clock.now();
      }
      if (signal?.aborted === true) return hits;
      for (const { messageId, seq, at, folded } of part) {
        // A conversation gives no more than the whole answer may hold; it is cut by time at the end.
        if (found >= limit) break;
        if (!words.every((word) => folded.includes(word))) continue;
        const said = await texts.wordsAt(id, seq);
        // Taken back since it was read.
        if (said === null) continue;
        found++;
        const { authorId } = said;
        hits.push({ conversationId: id, messageId, authorId, title, at, ...cut(said, words) });
      }
      if (found >= limit) break;
    }
  }
  return hits.sort((a, b) => b.at - a.at).slice(0, limit);
}

const breathe = (clock: Clock): Promise<void> => new Promise((resolve) => clock.after(0, resolve));

/** As it reads when it is drawn, unless what was found is in what is not drawn. */
function cut({ text, isMarkdown }: WordsAt, words: readonly string[]) {
  if (isMarkdown) {
    const drawn = snippet(withoutMarks(around(text, words)), words);
    const folded = foldText(drawn);
    if (words.every((word) => folded.includes(word))) return { snippet: drawn };
  }
  return { snippet: snippet(text, words) };
}

/** Some lines of a long text around the first word found: marks are understood line by line, and taking them out of much text takes long. */
function around(text: string, words: readonly string[]): string {
  const characters = Array.from(text);
  if (characters.length <= WINDOW_CHARACTERS) return text;
  const first = placeOf(characters, words);
  const from = Math.max(0, Math.min(first - WINDOW_CHARACTERS / 2, characters.length));
  const line = from === 0 ? 0 : characters.indexOf("\n", from) + 1;
  const start = line > 0 && line <= first ? line : from;
  return characters.slice(start, start + WINDOW_CHARACTERS).join("");
}

/** About where the first of the words stands. Folding changes lengths a little; a snippet need not be exact. */
function placeOf(characters: readonly string[], words: readonly string[]): number {
  const folded = characters.map(foldText).join("");
  const first = Math.min(...words.map((word) => folded.indexOf(word)).filter((at) => at >= 0));
  return Number.isFinite(first) ? first : 0;
}

/** The part of a text around the first word found, on one line. */
function snippet(text: string, words: readonly string[]): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  const characters = Array.from(line);
  if (characters.length <= SNIPPET_CHARACTERS) return line;
  const first = placeOf(characters, words);
  const from = Math.max(0, Math.min(first - 30, characters.length - SNIPPET_CHARACTERS));
  const part = characters.slice(from, from + SNIPPET_CHARACTERS).join("");
  return `${from > 0 ? "…" : ""}${part}${from + SNIPPET_CHARACTERS < characters.length ? "…" : ""}`;
}
