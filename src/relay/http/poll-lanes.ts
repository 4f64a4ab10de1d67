/**
 * Where polling agents may lack something, remembered from one poll to the next: all of an agent's conversations are
 * looked at seldom, however often it polls. SPEC R64.
 */
import type { Clock } from "#base/clock.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import type { LogMember, LogStore } from "../log/log-store.ts";

export type PollLane = {
  /** Conversations that may be behind. */
  readonly ready: Set<ConversationId>;
  /** Whether something may have been missed, so that all are to be looked at. */
  isUnsure: boolean;
  lookedAt: number;
  polledAt: number;
  /** Called when there is more. */
  tell: () => void;
};

/** News that got lost are found by then. */
const LOOK_EVERY_MS = 30_000;
/** An agent that stays away so long is forgotten, and looked at anew when it comes back. */
const KEPT_MS = 60_000;

export interface PollLanes {
  /** The lane of an agent that polls now. */
  of(agentId: AccountId): PollLane;
  /** A conversation has grown: whom of its members that poll it is news for hears it. */
  grown(conversationId: ConversationId): Promise<void>;
  /** Puts into the lane whatever is behind, unless that was done a moment ago. Rejects as the log does. */
  lookAtAll(lane: PollLane, behind: () => ReturnType<LogStore["behind"]>): Promise<void>;
}

export function createPollLanes(log: Pick<LogStore, "members">, clock: Clock): PollLanes {
  const laneByAgent = new Map<AccountId, PollLane>();
  let sweptAt = 0;
  const sweep = (): void => {
    const now = clock.now();
    if (now - sweptAt < KEPT_MS) return;
    sweptAt = now;
    for (const [agentId, { polledAt }] of laneByAgent)
      if (now - polledAt >= KEPT_MS) laneByAgent.delete(agentId);
  };
  const tellAll = (): void => {
    for (const lane of laneByAgent.values()) {
      lane.isUnsure = true;
      lane.tell();
    }
  };
  const tell = (conversationId: ConversationId, { id, leftSeq }: LogMember): void => {
    const lane = laneByAgent.get(id);
    if (lane === undefined) return;
    // Who was removed has yet to be given that.
    lane.ready.add(conversationId);
    if (leftSeq === null) lane.tell();
  };
  return {
    of(agentId) {
      sweep();
      const held = laneByAgent.get(agentId);
      const lane = held ?? {
        ready: new Set(),
        isUnsure: true,
        lookedAt: 0,
        polledAt: 0,
        tell: () => undefined,
      };
      lane.polledAt = clock.now();
      laneByAgent.set(agentId, lane);
      return lane;
    },
    async grown(conversationId) {
      sweep();
      if (laneByAgent.size === 0) return;
      const members = await log.members(conversationId).catch(() => null);
      // Who cannot tell whom it is news for lets all of them look; a read that fails then fails for them to see.
      if (members === null) tellAll();
      else for (const member of members) tell(conversationId, member);
    },
    async lookAtAll(lane, behind) {
      if (!lane.isUnsure && clock.now() - lane.lookedAt < LOOK_EVERY_MS) return;
      lane.isUnsure = false;
      lane.lookedAt = clock.now();
      try {
        for (const { conversationId } of await behind()) lane.ready.add(conversationId);
      } catch (fault) {
        lane.isUnsure = true;
        throw fault;
      }
    },
  };
}
