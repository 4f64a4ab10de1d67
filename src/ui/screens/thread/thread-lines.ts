/** How rows stand together: days, runs of one author, the line where the news begins; pure. */
import type { MessageId, MessageView } from "#stores/views.ts";

export type ThreadLine = {
  readonly id: MessageId;
  /** A day begins here. */
  readonly startsDay: boolean;
  /** The first row that was unread when the thread was opened. */
  readonly startsUnread: boolean;
  /** The author is named here; rows after it within the run are not headed again. */
  readonly startsRun: boolean;
  /** The last row of its run, where the time of one's own words stands. */
  readonly endsRun: boolean;
};

/** Rows by one author that follow within this time belong together. */
const RUN_MS = 5 * 60_000;

/** The lines of a thread, in its order. `dayOf` gives the reader's calendar day of a time. */
export function makeLines(
  { order, messageById }: LineSource,
  firstUnreadId: MessageId | null,
  dayOf: (at: number) => string,
): readonly ThreadLine[] {
  const lines: Mutable<ThreadLine>[] = [];
  let before: MessageView | null = null;
  let dayBefore = "";
  for (const id of order) {
    const message = messageById.get(id);
    if (message === undefined) continue;
    const day = dayOf(message.at);
    const startsDay = day !== dayBefore;
    const startsUnread = id === firstUnreadId;
    const startsRun = startsDay || startsUnread || !isSameRun(before, message);
    const previous = lines.at(-1);
    if (previous !== undefined) previous.endsRun = startsRun;
    lines.push({ id, startsDay, startsUnread, startsRun, endsRun: true });
    before = message;
    dayBefore = day;
  }
  return lines;
}

type Mutable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

type LineSource = {
  readonly order: readonly MessageId[];
  readonly messageById: ReadonlyMap<MessageId, MessageView>;
};

function isSameRun(before: MessageView | null, message: MessageView): boolean {
  if (before === null || before.authorId !== message.authorId) return false;
  if (standsAlone(before) || standsAlone(message)) return false;
  return Math.abs(message.at - before.at) < RUN_MS;
}

/** A row about the conversation, not of anybody's talk. */
const standsAlone = ({ body }: MessageView): boolean =>
  body.kind === "system" || body.kind === "missing";

/** The reader's calendar day, as text that is equal for equal days. */
export const localDay = (at: number): string => new Date(at).toDateString();

/**
 * What changed at the two ends: how many rows came in front of the first known one, and which came after the last.
 * Null when the lists have nothing in common.
 */
export function compareEnds(
  before: readonly MessageId[],
  after: readonly MessageId[],
): { readonly inFront: number; readonly behind: readonly MessageId[] } | null {
  const firstId = before[0];
  if (firstId === undefined) return null;
  const inFront = after.indexOf(firstId);
  if (inFront < 0) return null;
  const known = new Set(before);
  let end = after.length;
  while (end > 0 && !known.has(after[end - 1] ?? firstId)) end--;
  return { inFront, behind: after.slice(end) };
}
