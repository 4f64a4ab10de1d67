/** What must hold while reads of the database take their time: here each waits until the test lets it go. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AccountId, ConversationId, DeviceId, UserId } from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import { createAdmission } from "./admission.ts";
import { createMemoryBus } from "./bus/memory-bus.ts";
import { createDirectory, type Directory } from "./directory/directory.ts";
import { createAudience } from "./live/audience.ts";
import { DEFAULT_RATES } from "./live/rates.ts";
import type { LogMember, LogStore, StoredEntry } from "./log/log-store.ts";
import { createSqlLog } from "./log/sql-log.ts";
import { systemEntry } from "./log/append-commands.ts";
import { createMetrics } from "./metrics.ts";
import { createMemoryTickets } from "./nodes/tickets.ts";
import type { Shared } from "./nodes/together.ts";
import { Relay } from "./relay.ts";
import { aLedger, aMessage, anId, onTestEnd } from "./relay-world.contract.ts";
import { openStore, type Store } from "./store/open-store.ts";

/** Reads that were asked for and wait; each is let go by its place. */
function aHold() {
  const held: (() => void)[] = [];
  const hold = <Value>(read: Promise<Value>): Promise<Value> =>
    new Promise((resolve) => held.push(() => resolve(read)));
  return { held, hold };
}

/** A relay with one registered person; its reads may be changed. */
async function aRelayWithAPerson(
  change: (needs: { log: LogStore; directory: Directory; store: Store }) => Partial<{
    log: LogStore;
    directory: Directory;
    shared: Shared;
  }>,
) {
  const folder = mkdtempSync(join(tmpdir(), "parley-slow-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const clock = createFakeClock();
  const random = createSeededRandom(1);
  const store = await openStore(
    { file: join(folder, "log.sqlite"), writes: "here" },
    { clock, random, log: silentLog },
  );
  onTestEnd(() => store.close());
  const sound = {
    log: await createSqlLog(store.writer, store.sql, clock, silentLog),
    directory: createDirectory(store.sql),
  };
  const userId = anId<UserId>();
  const deviceId = anId<DeviceId>();
  const [card, deviceAdd] = aLedger(0, userId, 2);
  const session = {
    sessionId: "s1",
    userId,
    deviceId,
    refreshHash: random(32),
    expiresAt: clock.now() + 1e9,
  };
  await store.writer.run("registerUser", {
    now: clock.now(),
    userId,
    handle: "ada",
    displayName: "Ada",
    identityKey: random(32),
    password: null,
    ledger: [card ?? random(0), deviceAdd ?? random(0)],
    device: {
      deviceId,
      signingKey: random(32),
      certificate: deviceAdd ?? random(0),
      nameSealed: null,
    },
    backup: null,
    session,
  });
  const needs = { ...sound, ...change({ ...sound, store }) };
  const secret = new Secret(new Uint8Array(32));
  const admission = createAdmission({
    ...needs,
    clock,
    random,
    secret,
    tickets: createMemoryTickets(clock),
    origins: () => [],
  });
  const relay = new Relay({
    ...needs,
    admission,
    bus: createMemoryBus(),
    clock,
    random,
    events: silentLog,
    metrics: createMetrics(),
    rates: DEFAULT_RATES,
  });
  const frames: RelayFrame[] = [];
  const closes: number[] = [];
  const { promise: greeted, resolve: greet } = Promise.withResolvers<void>();
  const { promise: closed, resolve: end } = Promise.withResolvers<void>();
  const socket = relay.connect(
    {
      bufferedBytes: () => 0,
      send(text) {
        frames.push(JSON.parse(text) as RelayFrame);
        greet();
      },
      onSignedIn: () => undefined,
      ping: () => undefined,
      close(code) {
        closes.push(code.code);
        end();
      },
    },
    "human",
  );
  const say = (frame: object): void => socket.receive(JSON.stringify(frame));
  const token = await admission.issueAccess(session);
  const ada = { type: "human" as const, id: userId as AccountId, deviceId, token };
  return { clock, store, relay, ada, session, frames, closes, greeted, closed, say };
}

test("[R19] a session that ends while its socket signs in ends that socket", async () => {
  const { held, hold } = aHold();
  const asked = Promise.withResolvers<void>();
  const { relay, store, ada, session, closes, closed, say } = await aRelayWithAPerson(
    ({ directory }) => ({
      directory: {
        ...directory,
        session: (id) => {
          asked.resolve();
          return held.length === 0 ? hold(directory.session(id)) : directory.session(id);
        },
      },
    }),
  );
  say({ type: "auth", token: ada.token });
  await asked.promise;

  await store.writer.run("endSession", { sessionId: session.sessionId });
  relay.endSessions(ada.id, { which: "all" }, "logout");
  held[0]?.();
  await closed;

  expect(closes).toEqual([4006]);
});

test("[R19] what a socket says while it is brought level is heard afterwards, in order", async () => {
  const { held, hold } = aHold();
  const { clock, ada, frames, greeted, say } = await aRelayWithAPerson(({ log }) => ({
    log: { ...log, inbox: (...of) => hold(log.inbox(...of)) },
  }));
  say({ type: "auth", token: ada.token });
  await greeted;

  say({ type: "resume", log_epoch: null, cursors: null });
  say({ type: "stream.pull", conversation_id: anId(), stream_id: anId(), from_index: 0 });
  say({ type: "ping", t: 1 });
  await clock.advance(0);
  expect(frames.map(({ type }) => type)).toEqual(["auth.ok"]);
  held[0]?.();
  await clock.advance(0);

  expect(frames.map(({ type }) => type)).toEqual(["auth.ok", "resume.ok", "error", "pong"]);
});

test("[R46] a socket is level once all nodes can see that its account is here", async () => {
  const { held, hold } = aHold();
  const { clock, ada, frames, greeted, say } = await aRelayWithAPerson(({ store }) => ({
    shared: {
      sql: store.sql,
      writer: {
        ...store.writer,
        run: (name, args, tag) => {
          const run = store.writer.run(name, args, tag);
          return name === "arrive" ? hold(run) : run;
        },
      },
    },
  }));
  say({ type: "auth", token: ada.token });
  await greeted;

  say({ type: "resume", log_epoch: null, cursors: null });
  await clock.advance(0);
  expect(frames.map(({ type }) => type)).toEqual(["auth.ok"]);
  expect(held).toHaveLength(1);
  held[0]?.();
  await clock.advance(0);

  expect(frames.map(({ type }) => type)).toEqual(["auth.ok", "resume.ok"]);
});

test("[R19] messages that were sent in a row are stored in that row", async () => {
  const order: unknown[] = [];
  const { ada, greeted, say } = await aRelayWithAPerson(({ log }) => ({
    log: {
      ...log,
      append: (request, tag) => {
        order.push(request.entry.messageId);
        return log.append(request, tag);
      },
    },
  }));
  say({ type: "auth", token: ada.token });
  await greeted;
  const conversation = anId<ConversationId>();
  const messages = Array.from({ length: 5 }, () => aMessage(conversation, ada));

  for (const message of messages) say(message);

  expect(order).toEqual(messages.map((message) => message.client_message_id));
});

test("[R19] members read before they changed are remembered by nobody", async () => {
  const { held, hold } = aHold();
  const conversationId = anId<ConversationId>();
  const member = (id: AccountId): LogMember => ({
    id,
    type: "human",
    role: "member",
    ownerId: null,
    joinedSeq: 1,
    leftSeq: null,
  });
  const before = [member(anId())];
  const after = [...before, member(anId())];
  const readings = [before, after];
  const audience = createAudience(
    { members: () => hold(Promise.resolve(readings.shift() ?? [])) },
    silentLog,
  );
  const changed: StoredEntry = {
    ...systemEntry(conversationId, "group.updated", {}),
    seq: 2,
    at: 0,
    recalledAt: null,
    sessionOpen: null,
  };
  const early = audience.members(conversationId);
  const { promise: told, resolve: tell } = Promise.withResolvers<readonly LogMember[]>();
  await expect.poll(() => held.length).toBe(1);

  audience.withMembers(changed, tell);
  held[0]?.();
  expect(await early).toEqual(before);
  await expect.poll(() => held.length).toBe(2);
  held[1]?.();

  expect(await told).toEqual(after);
  expect(await audience.members(conversationId)).toEqual(after);
});
