/**
 * Others' chains: found, loaded, joined from their opening. A browser keeps them with its log in one transaction; an
 * agent's process keeps them in memory and joins again from the stored opening, as any process of it can. SPEC E34.
 */
import { base64ToBytes } from "#base/base64.ts";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import { ledgerView, type ConversationState } from "#crypto/ledger/conversation-state.ts";

import type { Primitives } from "#crypto/primitives.ts";
import { copyChain } from "#crypto/ratchet/receiver-chain.ts";
import {
  endSession,
  eraseReceiverSession,
  expireSkipped,
  sessionsToClose,
  type ReceiverSession,
} from "#crypto/receiver-session.ts";
import { encodeReceiverSession, parseReceiverSession } from "#crypto/receiver-session-record.ts";
import type { SenderView } from "#crypto/sender-view.ts";
import { acceptSession } from "#crypto/session-accept.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import type { AccountId, ConversationId, DeviceId } from "#protocol/ids.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";
import { SessionOpen } from "#protocol/rest.ts";
import type { Draft } from "./draft.ts";
import type { PeerFailure } from "./failure.ts";
import type { OwnPrekeys } from "./prekey-keeper.ts";
import type { Rest } from "./rest.ts";
import type { Put, Store } from "./store.ts";

export type OwnView = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly fingerprint: Bytes;
  readonly suiteFloor: SuiteId;
  /** How our card says we are written to. */
  readonly mode: DeliveryMode;
};

/** Whose chain: the sender's device and its session. */
export type ChainName = {
  readonly conversationId: ConversationId;
  readonly deviceId: DeviceId;
  readonly sid: Bytes;
};

/** What joining a chain needs to know. */
export type JoinContext = {
  readonly sender: SenderView;
  readonly conversation: ConversationState;
  readonly self: OwnView;
};
/** `sessionOpen` came with the message; else it is fetched. */
type Join = JoinContext & { readonly sessionOpen: Bytes | null };

export type ReadProgress = {
  readonly createdAt: number;
  /** The first index that nobody has needed yet. */
  readonly next: number;
  /** By index of the messages that were read. */
  readonly read: ReadonlyMap<number, unknown>;
};

export interface ReceiverSessions {
  /** The chain, as the draft or the store has it, else joined from its opening. */
  load(name: ChainName, draft: Draft, join: Join): Promise<Result<ReceiverSession, PeerFailure>>;
  /** What was read of a chain that is held or stored here; null for any other. */
  progressOf(name: ChainName, draft: Draft): Promise<ReadProgress | null>;
  /** When a session was opened, by its opening; fails as {@link load} does, for one that is not for us too. */
  openedAt(name: ChainName, join: JoinContext): Promise<Result<number, PeerFailure>>;
  /** Takes nothing from `count` on any more: its writer has said that the session ends there. */
  finish(
    name: ChainName,
    end: { readonly count: number; readonly lastHash: Bytes },
    draft: Draft,
  ): Promise<void>;
  /** Puts the chain after a message into the draft. */
  put(name: ChainName, session: ReceiverSession, draft: Draft): Promise<void>;
  /** The draft is durable. */
  keep(draft: Draft): void;
  /** Takes a conversation's chains out of memory; nobody may be reading by them. */
  release(conversationId: ConversationId): void;
}

const TABLE = "sessions";
/** Chains held in memory; the least recently used go first, and are loaded or joined again. */
const MAX_HELD = 512;

export const createReceiverSessions = (options: Needs): ReceiverSessions => new Chains(options);

type Needs = {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly store: Store;
  readonly rest: Rest;
  readonly prekeys: OwnPrekeys;
  readonly bootstrap: Secret<Bytes> | null;
  readonly isKept: boolean;
};

/**
 * Takes keys of messages that did not come in time off the disk. To be called before anything is read: it would put a
 * chain back that moves on meanwhile. SPEC E47.
 */
export async function expireStoredChains(
  store: Store,
  now: number,
): Promise<Result<null, PeerFailure>> {
  const puts: Put[] = [];
  for (const { key, value } of await store.list(TABLE)) {
    const session = parseReceiverSession(value);
    if (session === null) continue;
    const expired = expireSkipped(session, now);
    if (expired.chain.skipped.length < session.chain.skipped.length)
      puts.push({ table: TABLE, key, value: encodeReceiverSession(expired) });
    eraseReceiverSession(session);
  }
  return puts.length === 0 ? ok(null) : store.commit({ puts });
}

class Chains implements ReceiverSessions {
  readonly #options: Needs;
  readonly #primitives: Needs["primitives"];
  readonly #clock: Needs["clock"];
  readonly #store: Needs["store"];
  readonly #rest: Needs["rest"];
  readonly #prekeys: Needs["prekeys"];
  readonly #held = new Map<string, ReceiverSession>();

  constructor(options: Needs) {
    this.#options = options;
    this.#primitives = options.primitives;
    this.#clock = options.clock;
    this.#store = options.store;
    this.#rest = options.rest;
    this.#prekeys = options.prekeys;
  }

  async load(
    name: ChainName,
    draft: Draft,
    how: Join,
  ): Promise<Result<ReceiverSession, PeerFailure>> {
    const known = this.#inHand(name, draft) ?? (await this.#fromStore(name));
    return known === null ? this.#join(name, how) : ok(known);
  }

  async progressOf(name: ChainName, draft: Draft): Promise<ReadProgress | null> {
    const inHand = this.#inHand(name, draft);
    const session = inHand ?? (await this.#fromStore(name));
    if (session === null) return null;
    const { createdAt, links, chain } = session;
    if (inHand === null) eraseReceiverSession(session);
    return { createdAt, next: chain.next, read: links };
  }

  async openedAt(name: ChainName, how: JoinContext): Promise<Result<number, PeerFailure>> {
    const joined = await this.#join(name, { ...how, sessionOpen: null });
    if (!joined.ok) return joined;
    eraseReceiverSession(joined.value);
    return ok(joined.value.createdAt);
  }

  async finish(
    name: ChainName,
    end: { readonly count: number; readonly lastHash: Bytes },
    draft: Draft,
  ): Promise<void> {
    const inHand = this.#inHand(name, draft);
    const session = inHand ?? (await this.#fromStore(name));
    const ended = session && endSession(session, { ...end, sid: name.sid });
    if (ended !== null) await this.put(name, { ...ended, chain: copyChain(ended.chain) }, draft);
    if (inHand === null && session !== null) eraseReceiverSession(session);
  }

  #inHand(name: ChainName, draft: Draft): ReceiverSession | null {
    const key = keyOf(name);
    return draft.sessions.get(key) ?? this.#held.get(key) ?? null;
  }

  async #fromStore(name: ChainName): Promise<ReceiverSession | null> {
    const stored = this.#options.isKept ? await this.#store.get(TABLE, keyOf(name)) : null;
    return stored === null ? null : parseReceiverSession(stored);
  }

  async put(name: ChainName, session: ReceiverSession, draft: Draft): Promise<void> {
    const key = keyOf(name);
    const isNew = !draft.sessions.has(key) && !this.#held.has(key);
    draft.sessions.set(key, session);
    if (!this.#options.isKept) return;
    draft.puts.push({ table: TABLE, key, value: encodeReceiverSession(session) });
    if (isNew) await closeOldest(this.#store, name, session, draft, this.#clock.now());
  }

  keep(draft: Draft): void {
    for (const { table, key } of draft.deletes) if (table === TABLE) this.#drop(key);
    for (const [key, session] of draft.sessions) {
      if (this.#held.get(key) !== session) this.#drop(key);
      this.#held.delete(key);
      this.#held.set(key, session);
    }
    if (!this.#options.isKept) this.#dropOldest([...draft.sessions.keys()]);
    for (const key of this.#held.keys()) {
      if (this.#held.size <= MAX_HELD) break;
      this.#drop(key);
    }
  }

  release(conversationId: ConversationId): void {
    for (const key of this.#held.keys()) if (key.startsWith(`${conversationId}/`)) this.#drop(key);
  }

  /** The replacement shares no secret with what it replaced, so this one can go at once. */
  #drop(key: string): void {
    const held = this.#held.get(key);
    this.#held.delete(key);
    if (held !== undefined) eraseReceiverSession(held);
  }

  /** Where nothing is stored, memory alone keeps to the number of chains that one device may have. */
  #dropOldest(keys: readonly string[]): void {
    for (const prefix of new Set(keys.map((key) => key.slice(0, key.lastIndexOf("/") + 1)))) {
      const ofDevice = [...this.#held].filter(([key]) => key.startsWith(prefix));
      const closing = new Set(sessionsToClose(ofDevice.map(([, session]) => session)));
      for (const [key, session] of ofDevice) if (closing.has(session)) this.#drop(key);
    }
  }

  async #join(name: ChainName, how: Join): Promise<Result<ReceiverSession, PeerFailure>> {
    const sessionOpen =
      how.sessionOpen === null ? await fetchOpen(this.#rest, name) : ok(how.sessionOpen);
    if (!sessionOpen.ok) return sessionOpen;
    const accept = () =>
      acceptSession(this.#primitives, {
        sessionOpen: sessionOpen.value,
        self: how.self,
        sender: how.sender,
        ledger: ledgerView(how.conversation),
        prekeyOf: this.#prekeys.of,
        suiteFloor: how.self.suiteFloor,
        ...(this.#options.bootstrap === null ? {} : { bootstrap: this.#options.bootstrap }),
      });
    let session = await accept();
    if (!session.ok && causeOf(session.failure) === "unknown-prekey") {
      await this.#prekeys.reload();
      session = await accept();
    }
    return session.ok
      ? session
      : err({ kind: "peer/cannot-read", because: causeOf(session.failure) });
  }
}

const keyOf = ({ conversationId, deviceId, sid }: ChainName): string =>
  `${conversationId}/${deviceId}/${bytesToHex(sid)}`;

/** Too many open chains of one writer's device: the oldest go. Repeats of their messages are known by message id. */
async function closeOldest(
  store: Store,
  name: ChainName,
  session: ReceiverSession,
  draft: Draft,
  now: number,
): Promise<void> {
  const prefix = `${name.conversationId}/${name.deviceId}/`;
  const rows = await store.list(TABLE, prefix);
  const byKey = new Map([[keyOf(name), session]]);
  for (const { key, value } of rows) {
    const parsed = draft.sessions.get(key) ?? parseReceiverSession(value);
    if (parsed !== null && !byKey.has(key)) byKey.set(key, expireSkipped(parsed, now));
  }
  const closing = new Set(sessionsToClose([...byKey.values()]));
  for (const [key, one] of byKey) {
    if (!closing.has(one)) continue;
    eraseReceiverSession(one);
    draft.sessions.delete(key);
    draft.deletes.push({ table: TABLE, key });
  }
}

async function fetchOpen(rest: Rest, name: ChainName): Promise<Result<Bytes, PeerFailure>> {
  const path = `/conversations/${name.conversationId}/sessions/${bytesToHex(name.sid)}`;
  const answer = await rest.call("GET", path, SessionOpen);
  if (!answer.ok) {
    return answer.failure.kind === "peer/not-found"
      ? err({ kind: "peer/cannot-read", because: "unknown-session" })
      : answer;
  }
  const bytes = base64ToBytes(answer.value.session_open);
  return bytes === null ? err({ kind: "peer/bad-answer", path: "session_open" }) : ok(bytes);
}

/** The local cause of a failure to read. */
export const causeOf = (failure: { readonly kind: string; readonly cause?: string }): string =>
  failure.cause ?? failure.kind;
