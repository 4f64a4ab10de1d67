import { beforeAll, describe, expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { err, ok } from "#base/result.ts";
import { makeBeat, makeClose } from "#crypto/control-records.ts";
import { CLOCK_SKEW_MS } from "#crypto/limits.ts";
import {
  aConversation,
  anEndpoint,
  createWorld,
  must,
  START,
  type Endpoint,
  type World,
} from "#crypto/vectors/people.ts";
import type { ConversationState } from "#crypto/ledger/conversation-state.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import { startDraft, type Draft } from "./draft.ts";
import type { EndpointEvent, Entry } from "./endpoint.ts";
import { encodeEntry } from "./entry.ts";
import type { Keyring } from "./keyring.ts";
import type { Ledgers } from "./ledgers.ts";
import { createMemoryStore } from "./memory-store.ts";
import type { ReadProgress, ReceiverSessions } from "./receiver-sessions.ts";
import { createStatements } from "./statements.ts";

let world: World;
let ann: Endpoint;
let ben: Endpoint;
let conversation: ConversationState;
beforeAll(async () => {
  world = await createWorld(86);
  ann = await anEndpoint(world, "human");
  ben = await anEndpoint(world, "human");
  ({ state: conversation } = await aConversation(world, "group", [ann, ben]));
});

const SID = new Uint8Array(16).fill(1);
const HASH = new Uint8Array(32);

/** Ben's end of what Ann says of her sessions; what was read of them is as the test says. */
function aJudge({ isKept = true } = {}) {
  const clock = createFakeClock(START);
  const store = createMemoryStore();
  const events: EndpointEvent[] = [];
  const taken: Draft[] = [];
  const progress: { now: ReadProgress | null } = {
    now: { createdAt: START, next: 1, read: new Map([[0, null]]) },
  };
  const sessions: Pick<ReceiverSessions, "progressOf" | "openedAt" | "finish"> = {
    progressOf: async () => progress.now,
    openedAt: async () => err({ kind: "peer/cannot-read", because: "unknown-session" }),
    finish: async () => {},
  };
  const keyring: Pick<Keyring, "account" | "refresh"> = {
    account: async () => ok(ann.account),
    refresh: async () => ok(ann.account),
  };
  const ledgers: Pick<Ledgers, "state"> = { state: async () => ok(conversation) };
  let hold: Promise<void> = Promise.resolve();
  const statements = createStatements({
    primitives: world.primitives,
    clock,
    store,
    self: { accountId: ben.accountId, deviceId: ben.deviceId },
    ownView: async () => ok({ ...ben.self, suiteFloor: 1 as const }),
    keyring: keyring as Keyring,
    ledgers: ledgers as Ledgers,
    sessions: sessions as ReceiverSessions,
    isKept,
    whenLevel(_conversationId, task) {
      hold = hold.then(async () => void taken.push(await task(7)));
    },
    emit: (event) => events.push(event),
  });
  const { conversationId } = conversation;
  const frameOf = (record: Bytes): RelayFrameOf<"control"> => ({
    type: "control",
    conversation_id: conversationId,
    sender_id: ann.accountId,
    sender_device_id: ann.deviceId,
    record: bytesToBase64(record),
  });
  const aClose = async (count: number, sid = SID) =>
    frameOf(
      await makeClose(
        world.primitives,
        { conversationId, sid, count, lastHash: HASH, createdAt: START },
        ann.signer,
      ),
    );
  const aBeat = async (count: number) =>
    frameOf(
      await makeBeat(
        world.primitives,
        {
          conversationId,
          writer: SID,
          sessions: [{ sid: SID, count, lastHash: HASH }],
          createdAt: START,
        },
        ann.signer,
      ),
    );
  const keep = async (draft: Draft) => {
    must(await store.commit(draft));
    for (const after of draft.after) after();
  };
  const take = async (frame: RelayFrameOf<"control">, seq = 9) => {
    const draft = startDraft();
    must(await statements.take(frame, { seq, at: START }, draft));
    await keep(draft);
  };
  const settle = async (first: number) => keep(await statements.settle(conversationId, first));
  /** An entry that is stored here as the oldest of the log. */
  const oldestAt = (seq: number, at: number) => {
    const entry: Entry = {
      conversationId,
      seq,
      at,
      authorId: ann.accountId,
      authorKind: "human",
      authorDeviceId: ann.deviceId,
      content: { kind: "other", frameType: "control", facts: {} },
    };
    return store.commit({ log: [{ conversationId, seq, row: encodeEntry(entry) }] });
  };
  const told = () =>
    events.flatMap((event) => (event.type === "missing" ? event.missing.count : []));
  return {
    clock,
    statements,
    taken,
    progress,
    conversationId,
    aClose,
    aBeat,
    take,
    settle,
    oldestAt,
    told,
    level: () => hold,
  };
}

describe("a signed word", () => {
  test("[E86] in a log that is here from its start is judged at its place", async () => {
    const { aClose, take, settle, told, statements, conversationId } = aJudge();

    await take(await aClose(3));
    await settle(1);

    expect(told()).toEqual([2]);
    expect(await statements.list(conversationId)).toMatchObject([
      { authorId: ann.accountId, afterSeq: 9, count: 2 },
    ]);
  });

  test("[E86] in a log that begins later is judged once all since the session's opening is here", async () => {
    const { aClose, take, settle, told, oldestAt } = aJudge();
    await take(await aClose(3));

    await settle(5);
    const withoutRow = told();
    await oldestAt(5, START - CLOCK_SKEW_MS + 1);
    await settle(5);
    const tooYoung = told();
    await oldestAt(4, START - CLOCK_SKEW_MS);
    await settle(4);

    expect([withoutRow, tooYoung, told()]).toEqual([[], [], [2]]);
  });

  test("[E86] of a session whose opening nobody knows is judged only by a log from its start", async () => {
    const { aClose, take, settle, told, oldestAt, progress } = aJudge();
    progress.now = null;
    await take(await aClose(2));

    await oldestAt(5, 0);
    await settle(5);
    const later = told();
    await settle(1);

    expect([later, told()]).toEqual([[], [2]]);
  });

  test("[E86] is told anew as fewer are missing, and no more once all have come", async () => {
    const { aClose, take, settle, told, progress, statements, conversationId } = aJudge();
    await take(await aClose(4));
    const read = new Map<number, unknown>([[0, null]]);

    await settle(1);
    await settle(1);
    read.set(2, null);
    progress.now = { createdAt: START, next: 1, read };
    await settle(1);
    for (const index of [1, 3]) read.set(index, null);
    await settle(1);

    expect(told()).toEqual([3, 2, 0]);
    expect(await statements.list(conversationId)).toEqual([]);
  });

  test("[E86] counts for an endpoint that keeps its log, and for no other", async () => {
    const { aClose, aBeat, take, settle, told, statements, taken, clock, level } = aJudge({
      isKept: false,
    });

    await take(await aClose(3));
    await settle(1);
    statements.hear(await aBeat(3));
    await clock.advance(10_000);
    await level();

    expect([told(), taken]).toEqual([[], []]);
  });
});

describe("a passing beat", () => {
  test("[E86] is judged five seconds later, and of one device the newest alone", async () => {
    const { aBeat, statements, clock, taken, level } = aJudge();
    const [older, newer] = [await aBeat(2), await aBeat(3)];

    statements.hear(older);
    await clock.advance(4_000);
    statements.hear(newer);
    await clock.advance(4_999);
    await level();
    const early = taken.length;
    await clock.advance(1);
    await level();

    expect(early).toBe(0);
    expect(taken).toHaveLength(1);
    expect(taken[0]?.puts).toHaveLength(1);
  });

  test("[E86] that names nothing new is not kept", async () => {
    const { aBeat, statements, clock, taken, level } = aJudge();

    statements.hear(await aBeat(1));
    await clock.advance(5_000);
    await level();

    expect(taken.map(({ puts }) => puts)).toEqual([[]]);
  });

  test("[E86] of this very device, or once the endpoint has ended, is nothing", async () => {
    const { aBeat, statements, clock, taken, level } = aJudge();

    statements.hear({ ...(await aBeat(3)), sender_device_id: ben.deviceId });
    await clock.advance(5_000);
    statements.hear(await aBeat(3));
    statements.close();
    await clock.advance(5_000);
    await level();

    expect(taken).toEqual([]);
  });
});
