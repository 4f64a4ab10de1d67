/**
 * Which stored messages a further device would be given, cut into parts. Parts are places in logs, not messages: a
 * part is read when its turn comes, so a long history needs little memory. SPEC §history.
 */
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import type { HistoryPlanView, HistoryReach } from "#bridge/device-views.ts";
import { isUuid, type ConversationId } from "#protocol/ids.ts";
import type { Entry } from "#peer/endpoint.ts";
import { parseEntry } from "#peer/entry.ts";
import type { Store } from "#peer/store.ts";

/** Rows of one conversation's log, both ends included. */
export type HistoryPart = {
  readonly conversationId: ConversationId;
  readonly fromSeq: number;
  readonly toSeq: number;
};
export type HistoryPlan = {
  readonly since: number;
  readonly parts: readonly HistoryPart[];
  readonly view: HistoryPlanView;
};

const DAY_MS = 86_400_000;
const ROWS_AT_ONCE = 500;
/** Bytes of rows in a part: sealed and as base64 well within one request. */
const PART_BYTES = 262_144;

/** Looks through the logs; `since` in epoch ms by the relay's clock. */
export async function planHistory(
  store: Store,
  conversationIds: readonly ConversationId[],
  { days, now }: { readonly days: HistoryReach; readonly now: number },
): Promise<HistoryPlan> {
  const since = days === null ? 0 : now - days * DAY_MS;
  const parts: HistoryPart[] = [];
  let conversationCount = 0;
  let messageCount = 0;
  let sizeBytes = 0;
  for (const conversationId of conversationIds) {
    let part: { fromSeq: number; toSeq: number; bytes: number } | null = null;
    const close = (): void => {
      if (part !== null) parts.push({ conversationId, fromSeq: part.fromSeq, toSeq: part.toSeq });
      part = null;
    };
    const before = messageCount;
    for await (const { seq, row } of messagesSince(store, conversationId, since)) {
      if (part !== null && part.bytes + row.length > PART_BYTES) close();
      part ??= { fromSeq: seq, toSeq: seq, bytes: 0 };
      part.toSeq = seq;
      part.bytes += row.length;
      messageCount++;
      sizeBytes += row.length;
    }
    close();
    if (messageCount > before) conversationCount++;
  }
  return { since, parts, view: { conversationCount, messageCount, sizeBytes } };
}

/** The plaintext of a part. */
export async function readHistoryPart(
  store: Store,
  { conversationId, fromSeq, toSeq }: HistoryPart,
  since: number,
): Promise<Bytes> {
  const entries: Entry[] = [];
  for await (const { seq, entry } of messagesSince(store, conversationId, since, fromSeq - 1)) {
    if (seq > toSeq) break;
    entries.push(entry);
  }
  return utf8(JSON.stringify({ conversation_id: conversationId, entries }));
}

/** What a part holds, or null when it is none. */
export function parseHistoryPart(
  plain: Bytes,
): { readonly conversationId: ConversationId; readonly entries: readonly Entry[] } | null {
  const value = jsonOf(plain);
  if (typeof value !== "object" || value === null) return null;
  const { conversation_id, entries } = value as Record<string, unknown>;
  if (!isUuid(conversation_id) || !Array.isArray(entries)) return null;
  const conversationId = conversation_id as string as ConversationId;
  const parsed = entries.map((entry) => parseEntry(utf8(JSON.stringify(entry))));
  const isSound = parsed.every(
    (entry) =>
      entry !== null &&
      entry.conversationId === conversationId &&
      entry.content.kind === "message" &&
      Number.isSafeInteger(entry.seq) &&
      entry.seq > 0,
  );
  return isSound ? { conversationId, entries: parsed.filter((entry) => entry !== null) } : null;
}

async function* messagesSince(
  store: Store,
  conversationId: ConversationId,
  since: number,
  afterSeq = 0,
): AsyncGenerator<{ readonly seq: number; readonly row: Bytes; readonly entry: Entry }> {
  for (let after = afterSeq; ;) {
    const rows = await store.logAfter(conversationId, after, ROWS_AT_ONCE);
    for (const { seq, row } of rows) {
      after = seq;
      const entry = parseEntry(row);
      if (entry?.content.kind === "message" && entry.at >= since) yield { seq, row, entry };
    }
    if (rows.length < ROWS_AT_ONCE) return;
  }
}

function jsonOf(bytes: Bytes): unknown {
  try {
    return JSON.parse(utf8ToText(bytes) ?? "");
  } catch {
    return null;
  }
}
