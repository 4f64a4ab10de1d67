/** One signed-in or not yet signed-in socket: what the relay remembers of it. */
import type { Bytes } from "#base/bytes.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import type { CloseCode } from "#protocol/close-codes.ts";
import type { Bucket } from "./token-bucket.ts";

/** What the relay needs of a socket. */
export interface Link {
  /** Bytes handed over and not yet on the wire. */
  bufferedBytes(): number;
  send(text: string): void;
  /** Told once, when the socket has signed in. */
  onSignedIn(): void;
  ping(): void;
  close(code: CloseCode, retryAfterS?: number): void;
}

/** Who signed in, and where cursors are kept: a person's device, or the agent as a whole. */
export type Principal =
  | {
      readonly type: "human";
      readonly accountId: AccountId;
      readonly endpointId: DeviceId;
      readonly sessionId: string;
    }
  | {
      readonly type: "agent";
      readonly accountId: AccountId;
      readonly endpointId: DeviceId;
      /** Its own limit, as of the last look at the agent; null: that of every agent. */
      readonly messagesPerSecond: number | null;
    };

/** Where a socket stands in one conversation. */
export type Feed = {
  /** Everything up to here was pushed, or is the socket's own. */
  sentSeq: number;
  /** Everything up to here exists. */
  lastSeq: number;
  ackedSeq: number;
  /** Last entry that wants an acknowledgement; behind it come only the endpoint's own. */
  pushedSeq: number;
  /** Pushed and not acknowledged, in order. */
  unacked: { readonly seq: number; readonly bytes: number }[];
};

export type Connection = {
  readonly id: string;
  readonly link: Link;
  readonly path: "human" | "agent";
  readonly openedAt: number;
  principal: Principal | null;
  /** new: has not signed in. waiting: has not said where it is. live: gets entries as they come. */
  phase: "new" | "signing-in" | "waiting" | "live" | "closed";
  hint: string | null;
  expiresAt: number | null;
  tokenHash: Bytes | null;
  warnedOfExpiry: boolean;
  signedInAt: number;
  heardAt: number;
  pingedAt: number;
  usedAt: number;
  inFlight: number;
  /** While it is being brought level: what it says meanwhile is heard afterwards, in order. Never rejects. */
  resuming: Promise<void> | null;
  unackedCount: number;
  unackedBytes: number;
  readonly feeds: Map<ConversationId, Feed>;
  /** Conversations with entries that wait for room or for the disk. */
  readonly behind: Set<ConversationId>;
  pumping: boolean;
  readonly frames: Bucket;
  floodingSince: number;
  floodedAt: number;
};

export function makeConnection(
  id: string,
  link: Link,
  path: Connection["path"],
  now: number,
  frameBurst: number,
): Connection {
  return {
    id,
    link,
    path,
    openedAt: now,
    principal: null,
    phase: "new",
    hint: null,
    expiresAt: null,
    tokenHash: null,
    warnedOfExpiry: false,
    signedInAt: now,
    heardAt: now,
    pingedAt: now,
    usedAt: now,
    inFlight: 0,
    resuming: null,
    unackedCount: 0,
    unackedBytes: 0,
    feeds: new Map(),
    behind: new Set(),
    pumping: false,
    frames: { tokens: frameBurst, at: now },
    floodingSince: 0,
    floodedAt: 0,
  };
}

/** A feed that is level, or starts behind, at `fromSeq`. */
export const makeFeed = (fromSeq: number, lastSeq: number): Feed => ({
  sentSeq: fromSeq,
  lastSeq,
  ackedSeq: fromSeq,
  pushedSeq: fromSeq,
  unacked: [],
});
