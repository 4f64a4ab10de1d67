import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { Secret } from "#base/secret.ts";
import type { AccountId, AgentId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import { agentTokenHash, createAdmission, makeAgentToken } from "./admission.ts";
import { createMemoryBus } from "./bus/memory-bus.ts";
import { createDirectory } from "./directory/directory.ts";
import type { Link } from "./live/connection.ts";
import { DEFAULT_RATES } from "./live/rates.ts";
import { createSqlLog } from "./log/sql-log.ts";
import type { AppendRequest, LogStore } from "./log/log-store.ts";
import { createMetrics } from "./metrics.ts";
import { createMemoryTickets } from "./nodes/tickets.ts";
import type { Shared } from "./nodes/together.ts";
import { Relay } from "./relay.ts";
import { aLedger, aMessage, anId, onTestEnd, text64 } from "./relay-world.contract.ts";
import { openStore, type Store } from "./store/open-store.ts";

/** A relay without sockets: an agent's link whose frames and closes are listed. `share`: others stand on its database. */
async function aBareRelay(
  change: (log: LogStore) => LogStore = (log) => log,
  share: ((store: Store, tick: () => void) => Shared) | null = null,
) {
  const clock = createFakeClock();
  const random = createSeededRandom(1);
  const folder = mkdtempSync(join(tmpdir(), "parley-bare-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const store = await openStore(
    { file: join(folder, "log.sqlite"), writes: "here" },
    { clock, random, log: silentLog },
  );
  onTestEnd(() => store.close());
  const log = change(await createSqlLog(store.writer, store.sql, clock, silentLog));
  const directory = createDirectory(store.sql);
  const secret = new Secret(new Uint8Array(32));
  const admission = createAdmission({
    directory,
    clock,
    random,
    secret,
    tickets: createMemoryTickets(clock),
    origins: () => [],
  });
  const rates = { ...DEFAULT_RATES, agentMessages: { perSecond: 1_000, burst: 1_000 } };
  const relay: Relay = new Relay({
    log,
    directory,
    admission,
    bus: createMemoryBus(),
    clock,
    random,
    events: silentLog,
    metrics: createMetrics(),
    rates,
    ...(share === null ? {} : { shared: share(store, () => relay.tick()) }),
  });
  await relay.together?.start();

  const agentId = anId<AgentId>();
  const token = makeAgentToken(random);
  const fields = { displayName: "Echo", description: "", connectionMode: "websocket" };
  await store.writer.run("createAgent", {
    now: clock.now(),
    agentId,
    creatorId: null,
    ...fields,
    manifest: null,
    manifestHash: null,
    tokenHash: agentTokenHash(token),
  });
  const frames: RelayFrame[] = [];
  const closes: number[] = [];
  let bufferedBytes = 0;
  const link: Link = {
    bufferedBytes: () => bufferedBytes,
    send: (text) => void frames.push(JSON.parse(text) as RelayFrame),
    onSignedIn: () => undefined,
    ping: () => undefined,
    close: (code) => void closes.push(code.code),
  };
  const session = relay.connect(link, "agent");
  const agent = { type: "agent" as const, id: agentId, deviceId: agentId as never, token };
  return {
    clock,
    relay,
    session,
    agent,
    frames,
    closes,
    log,
    store,
    signIn: async () => {
      session.receive(JSON.stringify({ type: "auth", agent_id: agentId, token }));
      await clock.advance(0);
    },
    /** One more socket of the same agent, signed in. */
    open: async () => {
      const told: RelayFrame[] = [];
      const extra = relay.connect(
        { ...link, send: (text) => void told.push(JSON.parse(text) as RelayFrame) },
        "agent",
      );
      extra.receive(JSON.stringify({ type: "auth", agent_id: agentId, token }));
      await clock.advance(0);
      return { session: extra, frames: told };
    },
    fill: (bytes: number) => {
      bufferedBytes = bytes;
    },
  };
}

/** A message of three bytes, as the log takes it. */
const aWritten = (
  conversationId: ConversationId,
  senderId: AccountId,
  now: number,
): AppendRequest => ({
  now,
  entry: {
    conversationId,
    kind: "message.new",
    messageId: anId<MessageId>(),
    senderId,
    senderType: "human",
    senderDeviceId: anId<DeviceId>(),
    meta: { content_type: "encrypted" },
    body: new Uint8Array([1, 2, 3]),
    sessionOpen: null,
    countsUnread: true,
  },
  artifact: null,
  stream: null,
});

describe("a socket", () => {
  test("[P82] that has not signed in after 5 s is closed with 4001", async () => {
    const { clock, relay, closes } = await aBareRelay();

    await clock.advance(4_999);
    relay.tick();
    expect(closes).toEqual([]);
    await clock.advance(1);
    relay.tick();

    expect(closes).toEqual([4001]);
  });

  test("[P82] that signed in within 5 s stays, and what it says first is its sign-in", async () => {
    const { clock, relay, closes, frames, signIn } = await aBareRelay();

    await clock.advance(4_999);
    await signIn();
    await clock.advance(5_000);
    relay.tick();

    expect(closes).toEqual([]);
    expect(frames[0]).toMatchObject({ type: "auth.ok" });
  });

  test("[P84] that says anything but auth or ping first is closed with 4000", async () => {
    const { session, closes, frames } = await aBareRelay();

    session.receive('{"type":"ping","t":5}');
    session.receive('{"type":"from.the.future"}');
    expect(closes).toEqual([]);
    session.receive('{"type":"presence.set","state":"active"}');

    expect(frames).toEqual([{ type: "pong", t: 5 }]);
    expect(closes).toEqual([4000]);
  });

  test("[P84] that begins with a frame of the wrong shape is closed with 4000, not answered", async () => {
    const { session, closes, frames } = await aBareRelay();

    session.receive('{"type":"message.read","conversation_id":"nobody","seq":1}');

    expect([closes, frames]).toEqual([[4000], []]);
  });

  test.each(["auth", "resume"])(
    "[P84] that says %s while its sign-in is looked at is closed with 4000",
    async (type) => {
      const { session, closes, frames, agent, clock } = await aBareRelay();
      const sayAuth = (): void =>
        session.receive(JSON.stringify({ type: "auth", agent_id: agent.id, token: agent.token }));
      sayAuth();

      if (type === "auth") sayAuth();
      else session.receive('{"type":"resume","log_epoch":null,"cursors":null}');
      await clock.advance(0);

      expect(closes).toEqual([4000]);
      expect(frames).toEqual([]);
    },
  );

  test("[P146] may say what nobody knows, but not what nobody can parse", async () => {
    const { session, closes, signIn } = await aBareRelay();
    await signIn();

    session.receive('{"type":"from.the.future","x":1}');
    expect(closes).toEqual([]);
    session.receive('{"type":');

    expect(closes).toEqual([4000]);
  });

  test("[P261] is told which member of a known frame has the wrong shape", async () => {
    const { session, frames, signIn } = await aBareRelay();
    await signIn();

    session.receive('{"type":"message.read","req":"r1","conversation_id":"nobody","seq":1}');

    expect(frames.at(-1)).toMatchObject({
      type: "error",
      code: "BAD_FRAME",
      req: "r1",
      params: { path: "conversation_id" },
    });
  });

  test("[P87] that is silent for 90 s is closed with 4005", async () => {
    const { clock, relay, closes, signIn } = await aBareRelay();
    await signIn();

    await clock.advance(90_000);
    relay.tick();

    expect(closes).toEqual([4005]);
  });

  test("[P93] that never says where it is gets the backlog from the stored cursors after a second", async () => {
    const { clock, relay, frames, signIn } = await aBareRelay();
    await signIn();

    await clock.advance(1_000);
    relay.tick();
    await clock.advance(0);

    expect(frames.at(-1)).toMatchObject({ type: "resume.ok", status: "continued" });
  });

  test("[P286] that sends more than 200 frames a second for ten seconds is closed with 4010", async () => {
    const { clock, session, closes, signIn } = await aBareRelay();
    await signIn();

    for (let second = 0; second < 12 && closes.length === 0; second++) {
      for (let i = 0; i < 450; i++) session.receive('{"type":"ping"}');
      await clock.advance(1_000);
    }

    expect(closes).toEqual([4010]);
  });

  test("[P286] that sends 200 frames a second, or more for less than ten seconds, stays open", async () => {
    const { clock, session, closes, signIn } = await aBareRelay();
    await signIn();
    const send = async (seconds: number, perSecond: number): Promise<void> => {
      for (let second = 0; second < seconds; second++) {
        for (let i = 0; i < perSecond; i++) session.receive('{"type":"ping"}');
        await clock.advance(1_000);
      }
    };

    await send(30, 200);
    for (let times = 0; times < 2; times++) {
      await send(10, 450);
      await send(2, 10);
    }
    expect(closes).toEqual([]);

    await send(11, 201);
    expect(closes).toEqual([4010]);
  });

  test("[P149] that takes nothing in is closed with 4011 once more than 8 MiB wait for it", async () => {
    const { session, closes, frames, signIn, fill } = await aBareRelay();
    await signIn();

    fill(8_388_608);
    session.receive('{"type":"ping","t":8}');
    expect(frames.at(-1)).toEqual({ type: "pong", t: 8 });
    fill(8_388_609);
    session.receive('{"type":"ping"}');

    expect(closes).toEqual([4011]);
  });

  test("[P149] with more than 1 MiB waiting gets no ephemera, and entries as before", async () => {
    const { clock, relay, log, agent, frames, closes, signIn, open, fill } = await aBareRelay();
    const conversation = anId<ConversationId>();
    const ada = anId<AccountId>();
    await log.createConversation({
      now: clock.now(),
      conversationId: conversation,
      type: "group",
      members: [
        { id: ada, type: "human", ownerId: null, role: "owner" },
        { id: agent.id, type: "agent", ownerId: null, role: "member" },
      ],
      ledger: aLedger(1, conversation, 2),
      entries: [],
    });
    await signIn();
    const other = await open();
    await clock.advance(1_000);
    relay.tick();
    await clock.advance(0);
    const told = (type: RelayFrame["type"]) =>
      [...frames, ...other.frames].filter((frame) => frame.type === type).length;
    const beat = async (): Promise<void> => {
      const record = text64(new Uint8Array([1]));
      const place = { conversation_id: conversation, record, durable: false };
      other.session.receive(JSON.stringify({ type: "control.send", ...place }));
      await clock.advance(0);
    };

    fill(1_048_576);
    await beat();
    await expect.poll(() => told("control")).toBe(1);
    fill(1_048_577);
    await beat();
    relay.tell(agent.id, { type: "contact.remarked", contact_id: ada });
    await log.append(aWritten(conversation, ada, clock.now()), null);

    expect(told("contact.remarked")).toBe(2);
    await expect.poll(() => told("message.new")).toBe(1);
    expect(told("control")).toBe(1);
    expect(closes).toEqual([]);
  });

  test("[P150] may have 64 durable frames unanswered; the 65th is refused", async () => {
    const held: (() => void)[] = [];
    const { session, agent, frames, signIn, clock } = await aBareRelay((log) => ({
      ...log,
      append: (request, tag) =>
        new Promise((resolve) => held.push(() => resolve(log.append(request, tag)))),
    }));
    await signIn();
    const conversation = anId<ConversationId>();

    for (let i = 0; i < 65; i++) session.receive(JSON.stringify(aMessage(conversation, agent)));
    await clock.advance(0);

    expect(frames.filter((frame) => frame.type === "error")).toMatchObject([
      { code: "TOO_MANY_IN_FLIGHT" },
    ]);
    expect(held).toHaveLength(64);
  });
});

describe("a relay that stops", () => {
  test("[P166] answers what it has taken, hears nothing more, and closes with 4014", async () => {
    const held: (() => void)[] = [];
    const { relay, session, agent, frames, closes, signIn, clock } = await aBareRelay((log) => ({
      ...log,
      append: (request, tag) =>
        new Promise((resolve) => held.push(() => resolve(log.append(request, tag)))),
    }));
    await signIn();
    const conversation = anId<ConversationId>();
    session.receive(JSON.stringify(aMessage(conversation, agent)));
    await clock.advance(0);

    const stopped = relay.stop(2);
    session.receive(JSON.stringify(aMessage(conversation, agent)));
    await clock.advance(0);
    expect([held.length, closes]).toEqual([1, []]);
    held[0]?.();
    await stopped;

    expect(frames.at(-1)).toMatchObject({ type: "error", code: "NOT_MEMBER" });
    expect(closes).toEqual([4014]);
  });

  test("[R10] waits 5 s for a disk that does not answer, and not longer", async () => {
    const { relay, session, agent, closes, signIn, clock } = await aBareRelay((log) => ({
      ...log,
      append: () => new Promise(() => undefined),
    }));
    await signIn();
    session.receive(JSON.stringify(aMessage(anId<ConversationId>(), agent)));

    const stopped = relay.stop(2);
    await clock.advance(4_999);
    expect(closes).toEqual([]);
    await clock.advance(1);
    await stopped;

    expect(closes).toEqual([4014]);
  });
});

describe("an agent's sockets", () => {
  test("[P96] [S16] who was evicted cannot act any more, nor does a frame that is already on its way", async () => {
    const { open, session, closes, signIn, agent, clock, log } = await aBareRelay();
    const appended: unknown[] = [];
    log.onAppended((entry) => void appended.push(entry));
    await signIn();
    for (let i = 0; i < 3; i++) {
      await clock.advance(10);
      await open();
    }

    session.receive(JSON.stringify(aMessage(anId<ConversationId>(), agent)));
    await clock.advance(0);

    expect(closes).toEqual([4008]);
    expect(appended).toEqual([]);
  });

  test("[R44] keep their places when one signs in while its node gives a sign of life", async () => {
    const { relay, clock, closes, frames, signIn, store } = await aBareRelay(
      undefined,
      ({ sql, writer }, tick) => ({
        sql,
        writer: {
          ...writer,
          run(name, args, tag) {
            const run = writer.run(name, args, tag);
            // Shares its commit, so that both are answered in one go.
            if (name === "openAgentSocket") tick();
            return run;
          },
        },
      }),
    );

    await signIn();
    relay.tick();
    await clock.advance(0);

    expect(frames[0]).toMatchObject({ type: "auth.ok" });
    expect(closes).toEqual([]);
    expect(await store.sql.all("SELECT agent_id FROM agent_socket")).toHaveLength(1);
  });

  test("[P98] learn a fence at sign-in that grows with each change of their set", async () => {
    const { frames, signIn, open } = await aBareRelay();
    await signIn();

    (await open()).session.closed(1000);

    const fences = frames.flatMap((frame) =>
      frame.type === "agent.assignment" ? [frame.fence] : [],
    );
    const [first = 0] = fences;
    expect(frames.find((frame) => frame.type === "auth.ok")).toMatchObject({ fence: first });
    expect(fences).toEqual([first, first + 1, first + 2]);
  });
});
