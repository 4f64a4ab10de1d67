import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket as TcpSocket } from "node:net";
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import type {
  AccountId,
  AgentId,
  ConversationId,
  DeviceId,
  MessageId,
  UserId,
} from "#protocol/ids.ts";
import { startPostgres } from "#sdk/shared/real-servers.contract.ts";
import type { AppendRequest, StoredEntry } from "../log/log-store.ts";
import { createSqlLog } from "../log/sql-log.ts";
import { aLedger, anId, aWorld, onTestEnd } from "../relay-world.contract.ts";
import { openStore } from "../store/open-store.ts";
import { MIGRATIONS } from "../store/schema.ts";
import { aDatabase, NO_POSTGRES, tellServer, theServer } from "./a-database.contract.ts";
import { unfitnessOf } from "./session.ts";

/** A relay's store on this database, as one of several nodes has it. */
async function aNode(postgres: Secret<string>) {
  const needs = { clock: systemClock, random: systemRandom, log: silentLog };
  const store = await openStore({ postgres }, needs);
  onTestEnd(() => store.close());
  const log = await createSqlLog(store.writer, store.sql, systemClock, silentLog);
  return { store, log };
}

type Node = Awaited<ReturnType<typeof aNode>>;

async function aConversation({ log }: Node) {
  const conversationId = anId<ConversationId>();
  const ada = anId<AccountId>();
  const created = await log.createConversation({
    now: 0,
    conversationId,
    type: "group",
    members: [{ id: ada, type: "human", role: "owner", ownerId: null }],
    ledger: aLedger(1, conversationId, 2),
    entries: [],
  });
  expect(created.ok).toBe(true);
  return { conversationId, ada };
}

type Place = Awaited<ReturnType<typeof aConversation>>;

const aRequest = (
  { conversationId, ada }: Place,
  messageId = anId<MessageId>(),
): AppendRequest => ({
  now: 1,
  entry: {
    conversationId,
    kind: "message.new",
    messageId,
    senderId: ada,
    senderType: "human",
    senderDeviceId: ada as string as DeviceId,
    meta: {},
    body: new Uint8Array(100),
    sessionOpen: null,
    countsUnread: true,
  },
  artifact: null,
  stream: null,
});

const read = ({ log }: Node, { conversationId }: Place): Promise<readonly StoredEntry[]> =>
  log.page({ conversationId, after: 0, before: null, maxEntries: 9_999, maxBytes: 1e9 });

const from1To = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => i + 1);

const codeOfResult = (result: { ok: true } | { ok: false; failure: { code: string } }): string =>
  result.ok ? "ok" : result.failure.code;

/** A line to the server that can be told to swallow the next commit, or the answer to it, and break. */
async function aTreacherousLine(address: Secret<string>) {
  const target = new URL(address.reveal());
  const { hostname, port } = target;
  let armed: "no" | "swallow" | "unanswered" = "no";
  const open = new Set<TcpSocket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let isDoomed = false;
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (bytes: Buffer) => {
      if (armed !== "no" && bytes.includes("COMMIT")) {
        const swallows = armed === "swallow";
        armed = "no";
        if (swallows) {
          near.destroy();
          return;
        }
        isDoomed = true;
      }
      far.write(bytes);
    });
    far.on("data", (bytes: Buffer) => {
      if (isDoomed && bytes.includes("COMMIT")) near.destroy();
      else near.write(bytes);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestEnd(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  target.port = String((server.address() as AddressInfo).port);
  return {
    address: new Secret(target.href),
    arm: (how: "swallow" | "unanswered" = "unanswered") => {
      armed = how;
    },
  };
}

describe.skipIf(NO_POSTGRES !== null)(
  `the relay's store on PostgreSQL ${NO_POSTGRES ?? ""}`,
  () => {
    test("[S15] two nodes that append at once number one conversation densely", async () => {
      const database = await aDatabase();
      const nodes = [await aNode(database), await aNode(database)];
      const [first] = nodes;
      if (first === undefined) throw new Error("two nodes");
      const place = await aConversation(first);

      const appended = await Promise.all(
        from1To(200).map((i) => nodes[i % 2]?.log.append(aRequest(place), null)),
      );

      const seqs = appended.map((result) => (result?.ok ? result.value.seq : 0));
      expect(seqs.toSorted((a, b) => a - b)).toEqual(from1To(200));
      expect((await read(first, place)).map(({ seq }) => seq)).toEqual(from1To(200));
    });

    test("[R52] what checks and acts is alone on all nodes: of two with one handle, one registers", async () => {
      const database = await aDatabase();
      const nodes = [await aNode(database), await aNode(database)];
      const registration = () => {
        const userId = anId<UserId>();
        const deviceId = anId<DeviceId>();
        const [card = new Uint8Array(), deviceAdd = new Uint8Array()] = aLedger(0, userId, 2);
        return {
          now: 1,
          userId,
          handle: "ada",
          displayName: "Ada",
          identityKey: systemRandom(32),
          password: null,
          ledger: [card, deviceAdd],
          device: {
            deviceId,
            signingKey: systemRandom(32),
            certificate: deviceAdd,
            nameSealed: null,
          },
          backup: null,
          session: {
            sessionId: anId<DeviceId>() as string,
            userId,
            deviceId,
            refreshHash: systemRandom(32),
            expiresAt: 9e12,
          },
        };
      };

      const results = await Promise.all(
        from1To(8).map((i) => nodes[i % 2]?.store.writer.run("registerUser", registration())),
      );

      const codes = results.map((result) => (result === undefined ? "" : codeOfResult(result)));
      expect(codes.toSorted()).toEqual([...Array.from({ length: 7 }, () => "HANDLE_TAKEN"), "ok"]);
    });

    test("[R52] commands of one conversation keep their order, those of others go on beside them, and what must be alone waits", async () => {
      const database = await aDatabase();
      const [here, there] = [await aNode(database), await aNode(database)];
      const [held, free] = [await aConversation(here), await aConversation(here)];
      const gate = new Client({ connectionString: database.reveal() });
      await gate.connect();
      onTestEnd(() => gate.end());
      await gate.query("BEGIN");
      await gate.query("SELECT 1 FROM conv WHERE id = $1 FOR UPDATE", [held.conversationId]);
      const done: string[] = [];
      const noted = async (name: string, task: Promise<unknown>): Promise<void> => {
        await task;
        done.push(name);
      };

      // More than one group, so that a second connection would find its chance to overtake.
      const requests = from1To(40).map(() => aRequest(held));
      const waiting = requests.map((request) => noted("held", here.log.append(request, null)));
      const isWaiting = (kind: string) => async () =>
        (
          await tellServer(
            database.reveal(),
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
             AND wait_event_type = 'Lock' AND wait_event ${kind} 'advisory'`,
          )
        ).length;
      await expect.poll(isWaiting("<>")).toBe(1);
      await here.log.append(aRequest(free), null);
      await there.log.append(aRequest(free), null);
      const governed = { agentId: anId<AgentId>(), governance: "paused" as const };
      const alone = noted("alone", there.store.writer.run("governAgent", governed));
      await expect.poll(isWaiting("=")).toBe(1);
      expect(done).toEqual([]);
      await gate.query("ROLLBACK");
      await Promise.all([...waiting, alone]);

      expect(done.indexOf("alone")).toBeGreaterThan(0);
      const stored = (await read(here, held)).map(({ messageId }) => messageId);
      expect(stored).toEqual(requests.map(({ entry }) => entry.messageId));
      expect((await read(here, free)).map(({ seq }) => seq)).toEqual([1, 2]);
    });

    test("[R51] of nodes that start at once on an empty database one migrates, and all read one log", async () => {
      const database = await aDatabase();

      const nodes = await Promise.all(from1To(4).map(() => aNode(database)));

      expect(new Set(nodes.map(({ log }) => log.epoch)).size).toBe(1);
      const rows = await tellServer(
        database.reveal(),
        "SELECT value FROM meta WHERE name = 'schema_version'",
      );
      expect(rows).toEqual([{ value: String(MIGRATIONS.length) }]);
    });

    test("[R51] a newer schema and another program's tables are refused and left as they are", async () => {
      const newer = await aDatabase();
      await aNode(newer);
      await tellServer(
        newer.reveal(),
        "UPDATE meta SET value = '999' WHERE name = 'schema_version'",
      );
      const foreign = await aDatabase();
      await tellServer(foreign.reveal(), "CREATE TABLE theirs (x int)");

      await expect(aNode(newer)).rejects.toMatchObject({ because: "newer-schema" });
      await expect(aNode(foreign)).rejects.toMatchObject({ because: "foreign" });
      const alike = await aDatabase();
      await tellServer(alike.reveal(), "CREATE TABLE meta (name text, value text)");
      await expect(aNode(alike)).rejects.toMatchObject({ because: "foreign" });

      const tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
      expect(await tellServer(foreign.reveal(), tables)).toEqual([{ tablename: "theirs" }]);
    });

    test("[R50] a server that acknowledges before the disk has it is refused", async () => {
      const hasty = await aDatabase();
      const name = new URL(hasty.reveal()).pathname.slice(1);
      await tellServer(hasty.reveal(), `ALTER DATABASE ${name} SET synchronous_commit = off`);
      const forgetful = await startPostgres?.(["fsync=off"]);
      onTestEnd(() => forgetful?.stop());

      await expect(aNode(hasty)).rejects.toMatchObject({ because: "synchronous-commit-off" });
      await expect(aNode(new Secret(forgetful?.address ?? ""))).rejects.toMatchObject({
        because: "fsync-off",
      });
    });

    test("[S15] rows that change all the time have room on their page", async () => {
      const database = await aDatabase();
      await aNode(database);

      const rows = await tellServer(
        database.reveal(),
        "SELECT relname FROM pg_class WHERE reloptions = '{fillfactor=70}' ORDER BY relname",
      );

      expect(rows).toEqual([{ relname: "conv" }, { relname: "cursor" }]);
    });

    test("[R53] a group that ran into a deadlock is run again, and done once", async () => {
      const database = await aDatabase();
      const node = await aNode(database);
      const [one, two, three] = [
        await aConversation(node),
        await aConversation(node),
        await aConversation(node),
      ];
      for (const place of [one, two, three]) await node.log.append(aRequest(place), null);
      const aTransaction = async () => {
        const client = new Client({ connectionString: database.reveal() });
        await client.connect();
        onTestEnd(() => client.end());
        // Others are patient: the server ends the transaction of the relay, which looks for a circle.
        await client.query("SET deadlock_timeout = '1h'");
        await client.query("BEGIN");
        const take = ({ conversationId }: Place) =>
          client.query("SELECT 1 FROM member WHERE conv = $1 FOR UPDATE", [conversationId]);
        return { client, take };
      };
      const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
      const waitingCount = async () => (await tellServer(database.reveal(), waiting)).length;
      const move = ({ conversationId, ada }: Place) => ({
        endpointId: ada as string as DeviceId,
        accountId: ada,
        conversationId,
        seq: 1,
      });
      const [gate, rival] = [await aTransaction(), await aTransaction()];
      await gate.take(two);
      await rival.take(three);

      // The relay has the first and waits at the gate, the rival for the first: the relay closes the circle, then looks.
      const moved = node.log.advanceCursors([move(one), move(two), move(three)]);
      await expect.poll(waitingCount).toBe(1);
      const taken = rival.take(one);
      await expect.poll(waitingCount).toBe(2);
      await gate.client.query("ROLLBACK");
      await taken;
      await rival.client.query("ROLLBACK");

      expect(await moved).toMatchObject({ ok: true, value: [{ seq: 1 }, { seq: 1 }, { seq: 1 }] });
      // Run again before the rival woke, it may have closed the circle once more.
      const ran =
        "SELECT deadlocks > 0 AS into_one FROM pg_stat_database WHERE datname = current_database()";
      await expect.poll(() => tellServer(database.reveal(), ran)).toEqual([{ into_one: true }]);
    });

    test("[R53] connections that the server ended are made anew, without a failed write", async () => {
      const database = await aDatabase();
      const node = await aNode(database);
      const place = await aConversation(node);
      await node.log.append(aRequest(place), null);
      await tellServer(
        database.reveal(),
        `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
       WHERE application_name = 'parley-relay' AND datname = current_database()`,
      );

      const results = await Promise.all(
        from1To(5).map(() => node.log.append(aRequest(place), null)),
      );

      expect(results.map(codeOfResult)).toEqual(Array.from({ length: 5 }, () => "ok"));
      expect((await read(node, place)).map(({ seq }) => seq)).toEqual(from1To(6));
    });

    test("[R53] a commit whose answer was lost is refused, told all the same, and stands once", async () => {
      const database = await aDatabase();
      const line = await aTreacherousLine(database);
      const node = await aNode(line.address);
      const place = await aConversation(node);
      await node.log.append(aRequest(place), null);
      const told: number[] = [];
      node.log.onAppended(({ seq }) => void told.push(seq));
      const request = aRequest(place);

      line.arm();
      const unanswered = await node.log.append(request, null);
      const repeated = await node.log.append(request, null);
      const next = await node.log.append(aRequest(place), null);

      expect(codeOfResult(unanswered)).toBe("STORAGE_FAILED");
      expect(repeated).toEqual({ ok: true, value: { seq: 2, at: 1, duplicate: true } });
      expect(next).toMatchObject({ value: { seq: 3 } });
      expect(told).toEqual([2, 3]);
    });

    test("[R53] a commit that never came is refused and told to nobody, and one that stands is told without another write", async () => {
      const database = await aDatabase();
      const line = await aTreacherousLine(database);
      const node = await aNode(line.address);
      const place = await aConversation(node);
      await node.log.append(aRequest(place), null);
      const told: number[] = [];
      node.log.onAppended(({ seq }) => void told.push(seq));

      line.arm("swallow");
      const swallowed = await node.log.append(aRequest(place), null);
      await node.log.append(aRequest(place), null);
      const toldBefore = [...told];
      line.arm();
      const unanswered = await node.log.append(aRequest(place), null);

      await expect.poll(() => told).toEqual([2, 3]);
      expect(toldBefore).toEqual([2]);
      expect([swallowed, unanswered].map(codeOfResult)).toEqual([
        "STORAGE_FAILED",
        "STORAGE_FAILED",
      ]);
      expect((await read(node, place)).map(({ seq }) => seq)).toEqual(from1To(3));
    });

    test("[S15] [R2] a server that crashes in the middle of appends loses nothing acked and doubles nothing", async () => {
      const database = await aDatabase();
      const node = await aNode(database);
      const places = await Promise.all(from1To(4).map(() => aConversation(node)));
      const told = new Set<string>();
      node.log.onAppended(({ messageId }) => void told.add(messageId ?? ""));
      const acked = new Set<string>();
      let crashed: Promise<void> | null = null;
      const server = await theServer();
      let failures = 0;
      const say = async (place: Place): Promise<void> => {
        const request = aRequest(place);
        for (;;) {
          const result = await node.log.append(request, null);
          if (result.ok) break;
          failures += 1;
          // Asked again once the server is back, with the same id.
          await crashed;
        }
        acked.add(request.entry.messageId ?? "");
        if (acked.size === 100) crashed = server.crash();
      };

      await Promise.all(
        from1To(16).map(async (i) => {
          const place = places[i % 4];
          if (place !== undefined) for (let sent = 0; sent < 25; sent++) await say(place);
        }),
      );
      await crashed;

      const stored = await Promise.all(places.map((place) => read(node, place)));
      expect(stored.map((entries) => entries.map(({ seq }) => seq))).toEqual(
        places.map(() => from1To(100)),
      );
      const readIds = stored.flat().map(({ messageId }) => messageId);
      expect(readIds.toSorted()).toEqual([...acked].toSorted());
      expect([...told].toSorted()).toEqual([...acked].toSorted());
      expect(failures).toBeGreaterThan(0);
    });

    test("[R53] [R11] without a database a relay is not ready, refuses writes, and recovers by itself", async () => {
      const database = await aDatabase();
      const world = await aWorld({ database, clock: createFakeClock() });
      const ada = await world.person("ada");
      const { address } = await theServer();
      const name = new URL(database.reveal()).pathname.slice(1);
      const profile = () => world.rest("PATCH", "/users/me", ada.token, { display_name: "A" });

      await tellServer(address, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      await tellServer(
        address,
        `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '${name}'`,
      );
      const away = [(await world.rest("GET", "/ready")).status, (await profile()).status];
      await tellServer(address, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
      const back = [(await world.rest("GET", "/ready")).status, (await profile()).status];

      expect(away).toEqual([503, 503]);
      expect(back).toEqual([200, 200]);
    });
  },
);

test("[R50] a server is named as what makes it unfit: too old, late with its disk, or a copy of another", () => {
  const sound = {
    version: 140_000,
    fsync: "on",
    synchronous_commit: "on",
    checksums: "on",
    standby: false,
  };

  expect([
    unfitnessOf(sound),
    unfitnessOf({ ...sound, synchronous_commit: "remote_apply" }),
    unfitnessOf({ ...sound, version: 139_999 }),
    unfitnessOf({ ...sound, fsync: "off" }),
    unfitnessOf({ ...sound, standby: true }),
  ]).toEqual([null, null, "too-old", "fsync-off", "standby"]);
  for (const synchronous_commit of ["off", "local", "remote_write"])
    expect(unfitnessOf({ ...sound, synchronous_commit })).toBe("synchronous-commit-off");
});
