/** Ties a node's live parts to what it shares with others. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { CLOSE } from "#protocol/close-codes.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { EphemeralBus } from "../bus/bus.ts";
import type { Audience } from "../live/audience.ts";
import type { Cursors } from "../live/cursors.ts";
import type { Delivery } from "../live/delivery.ts";
import type { Posting } from "../live/posting.ts";
import type { Presence } from "../live/presence.ts";
import type { Sockets } from "../live/sockets.ts";
import type { StreamDesk } from "../live/stream-desk.ts";
import type { LogStore, StoredEntry } from "../log/log-store.ts";
import { Together, type Shared } from "./together.ts";

const BURIED_RETRY_S = 1;

type Parts = Shared & {
  readonly log: LogStore;
  readonly bus: EphemeralBus;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly events: Log;
  readonly audience: Audience;
  readonly sockets: Sockets;
  readonly posting: Posting;
  readonly cursors: Cursors;
  readonly delivery: Delivery;
  readonly presence: Presence;
  readonly streams: StreamDesk;
  readonly show: (entry: StoredEntry, writer: string | null) => void;
  readonly onGrown: (conversationId: ConversationId) => void;
  readonly onBuried: () => void;
};

export function joinOthers(parts: Parts): Together {
  const { audience, sockets, posting, delivery, presence, streams, show, onBuried } = parts;
  const { roster } = sockets;
  return new Together({
    ...parts,
    roster,
    isOpen: (connectionId) => sockets.find(connectionId) !== null,
    async concernOf(conversationId, shownSeq) {
      const members = await audience.members(conversationId);
      // Who was put out still hears of that.
      const isIn = (leftSeq: number | null): boolean =>
        leftSeq === null || (shownSeq !== null && leftSeq > shownSeq);
      const here = members.filter(({ id, leftSeq }) => isIn(leftSeq) && roster.isOnline(id));
      // Where nothing was shown, whoever is level came into the conversation after they came here.
      const level = here.filter(({ id }) => roster.of(id).some(({ phase }) => phase === "live"));
      const startSeq = Math.min(...level.map(({ joinedSeq }) => joinedSeq)) - 1;
      return { startSeq: level.length === 0 ? null : startSeq, hasSocket: here.length > 0 };
    },
    forgetMembers: (conversationId) => audience.forget(conversationId),
    writerOf: (entry) => posting.writerOf(entry),
    show(entry, writer) {
      if (writer === null) streams.followOthers(entry);
      show(entry, writer);
    },
    begin: (connection, held) => delivery.begin(connection, held),
    announce: (agentId, fence, connections) => sockets.announce(agentId, fence, connections),
    onDeparted(departed) {
      for (const { account, type } of departed)
        presence.tell({ accountId: account, type }, "offline");
    },
    onDisplaced: (connection) => sockets.displace(connection, "evicted"),
    onBuried() {
      onBuried();
      streams.dropAll();
      for (const connection of sockets.all())
        sockets.close(connection, CLOSE.restarting, BURIED_RETRY_S);
    },
  });
}
