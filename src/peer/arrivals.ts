/**
 * Messages that stand in the log here without having been read in their writer's chain: unreadable ones, those whose
 * bytes the relay does not have any more, and those that another device handed over. They did arrive. SPEC E86.
 */
import { bytesToHex, utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import { CLOCK_SKEW_MS, SESSION_AGE_MS, SESSION_GRACE_MS } from "#crypto/limits.ts";
import type { ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { Put, Store } from "./store.ts";

export type Arrivals = {
  /** Indexes of the session that came unread. */
  readonly indexes: ReadonlySet<number>;
  /** Messages of the device in the session's time whose place in a chain nobody knows. */
  readonly unplaced: number;
};

const TABLE = "arrivals";

/** Notes a message whose public head can be read. */
export const arrivedAt = (head: {
  readonly conversationId: ConversationId;
  readonly senderDeviceId: DeviceId;
  readonly sid: Bytes;
  readonly index: number;
}): Put => ({
  table: TABLE,
  key: `${head.conversationId}/${head.senderDeviceId}/${bytesToHex(head.sid)}/${head.index}`,
  value: utf8("0"),
});

/** Notes a message of which there is only its id and the time of its entry (epoch ms). */
export const arrivedSomewhere = (
  conversationId: ConversationId,
  deviceId: DeviceId,
  messageId: MessageId,
  at: number,
): Put => ({
  table: TABLE,
  key: `${conversationId}/${deviceId}/-/${messageId}`,
  value: utf8(String(at)),
});

/** What came of a session that was opened at `openedAt`; null: nobody knows when. */
export async function arrivalsOf(
  store: Store,
  session: { readonly conversationId: ConversationId; readonly deviceId: DeviceId },
  sid: Bytes,
  openedAt: number | null,
): Promise<Arrivals> {
  const prefix = `${session.conversationId}/${session.deviceId}/`;
  const placed = await store.list(TABLE, `${prefix}${bytesToHex(sid)}/`);
  const somewhere = await store.list(TABLE, `${prefix}-/`);
  const end = (openedAt ?? 0) + SESSION_AGE_MS + SESSION_GRACE_MS + CLOCK_SKEW_MS;
  const isOfItsTime = ({ value }: { readonly value: Bytes }): boolean => {
    const at = Number(utf8ToText(value));
    return openedAt === null || (at >= openedAt - CLOCK_SKEW_MS && at <= end);
  };
  return {
    indexes: new Set(placed.map(({ key }) => Number(key.slice(key.lastIndexOf("/") + 1)))),
    unplaced: somewhere.filter(isOfItsTime).length,
  };
}
