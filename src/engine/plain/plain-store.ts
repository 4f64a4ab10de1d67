/** Reading what is kept of a plain conversation. */
import { trimHistory, type ChatMessage } from "#channels/chat/history.ts";
import type { TurnView } from "#bridge/channel-views.ts";
import type { Store } from "#peer/store.ts";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import { scanLog } from "../log-scan.ts";
import { loadRecord, loadRecords, TABLE, type TableName } from "../records.ts";
import { turnKey, type QueuedQuestion } from "./plain-record.ts";

/** Rows looked at for what a model is told; more would be cut anyway. */
const HISTORY_ROWS = 400;

const loadOf = async <Value>(
  store: Store,
  table: TableName,
  id: ConversationId,
): Promise<readonly (readonly [MessageId, Value])[]> => {
  const prefix = `${id}/`;
  const records = await loadRecords<Value>(store, table, prefix);
  return [...records].map(
    ([key, value]) => [key.slice(prefix.length) as MessageId, value] as const,
  );
};

/** Questions that wait, in the order they were asked. */
export const loadQueue = (
  store: Store,
  id: ConversationId,
): Promise<readonly (readonly [MessageId, QueuedQuestion])[]> =>
  loadOf<QueuedQuestion>(store, TABLE.plainQueue, id);

/** Which messages have turns, for whoever forgets them all. */
export const listTurns = async (store: Store, id: ConversationId): Promise<readonly MessageId[]> =>
  (await loadOf<TurnView>(store, TABLE.plainTurns, id)).map(([messageId]) => messageId);

export const loadTurn = (
  store: Store,
  id: ConversationId,
  messageId: MessageId,
): Promise<TurnView | null> =>
  loadRecord<TurnView>(store, TABLE.plainTurns, turnKey(id, messageId));

/** Questions that were answered, and their answers; what failed or was not answered is left out. */
export async function loadHistory(
  store: Store,
  id: ConversationId,
  selfId: AccountId,
): Promise<readonly ChatMessage[]> {
  const newestFirst: ChatMessage[] = [];
  let answer: string | null = null;
  let rows = 0;
  for await (const { authorId, content } of scanLog(store, id)) {
    if (++rows > HISTORY_ROWS) break;
    if (content.kind !== "message" || content.payload.type !== "text") continue;
    if (authorId !== selfId) {
      const turn = await loadTurn(store, id, content.messageId);
      answer = turn?.outcome === "failed" ? null : content.payload.text;
      continue;
    }
    if (answer !== null && answer !== "")
      newestFirst.push(
        { role: "assistant", content: answer },
        { role: "user", content: content.payload.text },
      );
    answer = null;
  }
  return trimHistory(newestFirst.toReversed());
}
