/** A backlog for the benches: messages of 1 KiB by one device, in sessions of 64, the same in every process. */
import { assert } from "#base/invariant.ts";
import type { Bytes } from "#base/bytes.ts";
import { ledgerView } from "#crypto/ledger/conversation-state.ts";
import { SESSION_MESSAGES } from "#crypto/limits.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { ReceiverSession } from "#crypto/receiver-session.ts";
import { openSenderSession, sealMessage, type SenderSession } from "#crypto/sender-session.ts";
import { senderView } from "#crypto/sender-view.ts";
import { acceptSession } from "#crypto/session-accept.ts";
import { encodeReceiverSession, parseReceiverSession } from "#crypto/receiver-session-record.ts";
import { openMessage } from "#crypto/session-read.ts";
import {
  aConversation,
  anEndpoint,
  createWorld,
  must,
  prekeyOf,
  recipientOf,
  START,
} from "#crypto/vectors/people.ts";

export const PAYLOAD_BYTES = 1024;
const SEED = 2026;

/** A session as a browser stores it before its first message, and its messages as the relay's log has them. */
export type StoredSession = {
  readonly sessionOpen: Bytes;
  readonly record: Bytes;
  readonly envelopes: readonly Bytes[];
};

/** A person and an agent who have met. */
export async function makePair() {
  const world = await createWorld(SEED);
  const human = await anEndpoint(world, "human");
  const agent = await anEndpoint(world, "agent");
  const { state } = await aConversation(world, "h2a", [human, agent]);
  return { world, human, agent, conversation: state };
}
export type Pair = Awaited<ReturnType<typeof makePair>>;

/** A fresh session of the agent's to the person, over X-Wing. */
export async function openFresh({ world, human, agent, conversation }: Pair, p: Primitives) {
  const opened = must(
    await openSenderSession(p, {
      writer: p.randomBytes(16),
      self: agent.self,
      conversationId: conversation.conversationId,
      account: { seq: agent.account.seq, head: agent.account.head },
      ledger: { seq: conversation.seq, head: conversation.head },
      previousSid: null,
      recipients: [recipientOf(human, 2)],
      now: START,
    }),
  );
  assert(opened.sessionOpen !== null, "a session with readers");
  return { session: opened.session, sessionOpen: opened.sessionOpen, messageId: world.messageId };
}

/** Seals the session's next message of 1 KiB. */
export const sealNext = async (
  p: Primitives,
  session: SenderSession,
  messageId: Pair["world"]["messageId"],
) =>
  must(
    await sealMessage(p, session, {
      messageId: messageId(),
      contentType: "text",
      payload: p.randomBytes(PAYLOAD_BYTES),
      kind: "content",
      createdAt: START,
    }),
  );

/** The backlog of a person who was away. */
export async function makeBacklog(pair: Pair, count: number): Promise<readonly StoredSession[]> {
  const { primitives } = pair.world;
  const sessions: StoredSession[] = [];
  for (let left = count; left > 0; left -= SESSION_MESSAGES) {
    const fresh = await openFresh(pair, primitives);
    let { session } = fresh;
    const envelopes: Bytes[] = [];
    for (let i = 0; i < Math.min(left, SESSION_MESSAGES); i++) {
      const sealed = await sealNext(primitives, session, fresh.messageId);
      envelopes.push(sealed.envelope);
      ({ session } = sealed);
    }
    const joined = await join(pair, primitives, fresh.sessionOpen);
    const { sessionOpen } = fresh;
    sessions.push({ sessionOpen, record: encodeReceiverSession(joined), envelopes });
  }
  return sessions;
}

const contextOf = ({ agent, conversation }: Pair, p: Primitives) => {
  const sender = senderView(p, agent.account, agent.deviceId);
  assert(sender !== null, "a known device");
  const ledger = ledgerView(conversation);
  return { sender, ledger, now: START, suiteFloor: 1 as const, seen: () => false };
};

/** Joins a session by its open. */
export const join = async (pair: Pair, p: Primitives, sessionOpen: Bytes) =>
  must(
    await acceptSession(p, {
      ...contextOf(pair, p),
      sessionOpen,
      self: pair.human.self,
      prekeyOf: prekeyOf(pair.human),
    }),
  );

/** Opens every message of the sessions, each with its signature; gives how many there were. */
export async function openAll(
  pair: Pair,
  p: Primitives,
  sessions: readonly StoredSession[],
): Promise<number> {
  const context = contextOf(pair, p);
  let count = 0;
  for (const { record, envelopes } of sessions) {
    const stored = parseReceiverSession(record);
    assert(stored !== null, "a stored session");
    let session: ReceiverSession = stored;
    for (const envelope of envelopes) {
      const opened = must(await openMessage(p, session, envelope, context));
      assert(opened.payload.length === PAYLOAD_BYTES, "the whole payload");
      ({ session } = opened);
      count += 1;
    }
  }
  return count;
}
