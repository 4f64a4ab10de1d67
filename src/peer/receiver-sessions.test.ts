import { beforeAll, describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import { SKIPPED_TTL_MS } from "#crypto/limits.ts";
import type { ReceiverSession } from "#crypto/receiver-session.ts";
import { parseReceiverSession } from "#crypto/receiver-session-record.ts";
import { openSenderSession, sealMessage } from "#crypto/sender-session.ts";
import { senderView } from "#crypto/sender-view.ts";
import { openMessage } from "#crypto/session-read.ts";
import { ledgerView } from "#crypto/ledger/conversation-state.ts";
import {
  aConversation,
  aMessage,
  anEndpoint,
  createWorld,
  must,
  prekeyOf,
  recipientOf,
  START,
  type Endpoint,
  type World,
} from "#crypto/vectors/people.ts";
import { startDraft } from "./draft.ts";
import { createMemoryStore } from "./memory-store.ts";
import type { OwnPrekeys } from "./prekey-keeper.ts";
import { createReceiverSessions, expireStoredChains } from "./receiver-sessions.ts";
import { createRest } from "./rest.ts";

let world: World;
let ann: Endpoint;
let bot: Endpoint;
let conversation: ConversationState;
beforeAll(async () => {
  world = await createWorld(46);
  ann = await anEndpoint(world, "human");
  bot = await anEndpoint(world, "agent");
  ({ state: conversation } = await aConversation(world, "h2a", [ann, bot]));
});

/** The agent's end of Ann's sessions, over a relay that counts how often it is asked and knows none of them. */
function aReader(isKept: boolean) {
  const clock = createFakeClock(START);
  const store = createMemoryStore();
  const asked: string[] = [];
  const rest = createRest({
    clock,
    baseUrl: "http://relay.test",
    tokens: null,
    async fetch(url) {
      asked.push(url);
      return { status: 404, headers: { get: () => null }, text: async () => "{}" };
    },
  });
  const ownPrekeys = prekeyOf(bot);
  const vault = { isRead: true, reads: 0 };
  const prekeys: OwnPrekeys = {
    of: (kid) => (vault.isRead ? ownPrekeys(kid) : undefined),
    async reload() {
      vault.isRead = true;
      vault.reads += 1;
    },
  };
  const { primitives } = world;
  const bootstrap = null;
  const sessions = createReceiverSessions({
    primitives,
    clock,
    store,
    rest,
    prekeys,
    bootstrap,
    isKept,
  });
  const sender = senderView(primitives, ann.account, ann.deviceId);
  if (sender === null) throw new Error("a known device");
  const self = { ...bot.self, suiteFloor: 1 as const };
  const load = (sid: Uint8Array<ArrayBuffer>, sessionOpen: Uint8Array<ArrayBuffer> | null) => {
    const { conversationId } = conversation;
    const name = { conversationId, deviceId: ann.deviceId, sid };
    const draft = startDraft();
    const loaded = sessions.load(name, draft, { sender, conversation, self, sessionOpen });
    return { name, draft, loaded };
  };
  const context = {
    sender,
    ledger: ledgerView(conversation),
    now: START,
    seen: () => false,
    suiteFloor: 1 as const,
  };
  /** Reads one message and keeps the chain after it, as the inbox does. */
  const read = async (
    sid: Uint8Array<ArrayBuffer>,
    sessionOpen: Uint8Array<ArrayBuffer> | null,
    envelope: Uint8Array<ArrayBuffer>,
    now = START,
  ): Promise<{ readonly before: ReceiverSession; readonly after: ReceiverSession }> => {
    const { name, draft, loaded } = load(sid, sessionOpen);
    const before = must(await loaded);
    const { session: after } = must(
      await openMessage(primitives, before, envelope, { ...context, now }),
    );
    await sessions.put(name, after, draft);
    must(await store.commit(draft));
    sessions.keep(draft);
    return { before, after };
  };
  return { sessions, store, asked, vault, load, read };
}

/** A session of Ann's to the agent with its first messages. */
async function aTalk(messages: number, now = START) {
  const opened = must(
    await openSenderSession(world.primitives, {
      writer: world.random(16),
      self: ann.self,
      conversationId: conversation.conversationId,
      account: { seq: ann.account.seq, head: ann.account.head },
      ledger: { seq: conversation.seq, head: conversation.head },
      previousSid: null,
      recipients: [recipientOf(bot)],
      now,
    }),
  );
  let { session } = opened;
  const envelopes: Uint8Array<ArrayBuffer>[] = [];
  for (let i = 0; i < messages; i++) {
    const message = aMessage(world, `message ${i}`, now);
    const sealed = must(await sealMessage(world.primitives, session, message));
    envelopes.push(sealed.envelope);
    ({ session } = sealed);
  }
  return { sid: session.sid, sessionOpen: opened.sessionOpen, envelopes };
}

const isWiped = ({ chain }: ReceiverSession): boolean =>
  [chain.key, ...chain.skipped.map(({ key }) => key)].every((key) =>
    key.reveal().every((byte) => byte === 0),
  );
const at = <Item>(items: readonly Item[], index: number): Item => {
  const item = items[index];
  if (item === undefined) throw new Error("an item");
  return item;
};

describe("others' chains", () => {
  test("[E46] are overwritten once they were stepped on", async () => {
    const reader = aReader(false);
    const { sid, sessionOpen, envelopes } = await aTalk(2);

    const first = await reader.read(sid, sessionOpen, at(envelopes, 0));
    const second = await reader.read(sid, null, at(envelopes, 1));

    expect(second.before).toBe(first.after);
    expect(isWiped(first.after)).toBe(true);
    expect(isWiped(second.after)).toBe(false);
  });

  test.each([true, false])(
    "[E46] are eight of one device at most, the oldest overwritten and forgotten (stored: %s)",
    async (isKept) => {
      const reader = aReader(isKept);
      const talks = [];
      for (let i = 0; i < 9; i++) talks.push(await aTalk(1, START + i));
      const afters: ReceiverSession[] = [];
      for (const { sid, sessionOpen, envelopes } of talks)
        afters.push((await reader.read(sid, sessionOpen, at(envelopes, 0))).after);

      const oldest = await reader.load(at(talks, 0).sid, null).loaded;
      const next = await reader.load(at(talks, 1).sid, null).loaded;

      expect(oldest).toEqual({
        ok: false,
        failure: { kind: "peer/cannot-read", because: "unknown-session" },
      });
      expect(reader.asked).toHaveLength(1);
      expect(next.ok).toBe(true);
      expect(afters.map(isWiped)).toEqual([true, ...Array.from({ length: 8 }, () => false)]);
      expect(await reader.store.list("sessions")).toHaveLength(isKept ? 8 : 0);
    },
  );

  test("[E34] are joined by a prekey that another process made, after one look into the vault", async () => {
    const reader = aReader(false);
    const { sid, sessionOpen, envelopes } = await aTalk(2);
    reader.vault.isRead = false;

    const first = await reader.read(sid, sessionOpen, at(envelopes, 0));
    await reader.read(sid, null, at(envelopes, 1));

    expect(first.after.chain.next).toBe(1);
    expect(reader.vault.reads).toBe(1);
  });

  test("[E47] keep the keys of messages that may still come beside those that are too old", async () => {
    const reader = aReader(true);
    const { sid, sessionOpen, envelopes } = await aTalk(5);
    await reader.read(sid, sessionOpen, at(envelopes, 2));
    await reader.read(sid, null, at(envelopes, 4), START + 1_000);

    must(await expireStoredChains(reader.store, START + SKIPPED_TTL_MS));

    const [row] = await reader.store.list("sessions");
    const chain = row === undefined ? null : parseReceiverSession(row.value)?.chain;
    expect(chain?.skipped.map(({ index }) => index)).toEqual([3]);
    expect(chain?.next).toBe(5);
  });

  test("[E47] lose the keys of messages that did not come within a week when the next run begins", async () => {
    const reader = aReader(true);
    const { sid, sessionOpen, envelopes } = await aTalk(3);
    await reader.read(sid, sessionOpen, at(envelopes, 2));
    const skipped = async () =>
      (await reader.store.list("sessions")).map(
        ({ value }) => parseReceiverSession(value)?.chain.skipped.length,
      );

    must(await expireStoredChains(reader.store, START + SKIPPED_TTL_MS - 1));
    const inTime = await skipped();
    must(await expireStoredChains(reader.store, START + SKIPPED_TTL_MS));

    expect([inTime, await skipped()]).toEqual([[2], [0]]);
  });
});
