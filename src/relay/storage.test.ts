import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import type { AccountId, ConversationId, DeviceId, MessageId } from "#protocol/ids.ts";
import { DATABASE_FILE } from "./data-folder.ts";
import type { AppendRequest } from "./log/log-store.ts";
import { createSqlLog } from "./log/sql-log.ts";
import { verifyFolder } from "./operation/verify.ts";
import { createOperator } from "./operator.ts";
import {
  aLedger,
  anEnvelope,
  anId,
  aRegistration,
  aWorld,
  killed,
  onTestEnd,
  text64,
  type World,
} from "./relay-world.contract.ts";
import { codeOf, sendByRest } from "./rest-steps.contract.ts";
import { openForReading, openForWriting } from "./store/database.ts";
import { createSqliteSql } from "./store/sqlite-sql.ts";
import { createInlineWriter } from "./store/writer.ts";

const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "parley-storage-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Two conversations of one person, with enough entries to fill pages of their own. */
async function twoConversations() {
  const world = await aWorld({
    rates: {
      humanMessages: { perSecond: 1_000, burst: 1_000 },
      rest: { perSecond: 1_000, burst: 1_000 },
    },
  });
  const ada = await world.person("ada");
  const harmed = await world.invite(ada, (await world.agent()).inviteCode);
  const spared = await world.invite(ada, (await world.agent()).inviteCode);
  for (const conversation of [harmed, spared])
    for (let i = 0; i < 40; i++) await sendByRest(world, ada, conversation);
  await world.stop();
  return { world, ada, harmed, spared };
}

const databaseOf = ({ folder }: World): string => join(folder, DATABASE_FILE);

/** Overwrites the head of a page that holds entries of this conversation and of no other. */
function damagePageOf(world: World, conversation: ConversationId): void {
  const db = new DatabaseSync(databaseOf(world));
  const { pageno } = db
    .prepare(
      "SELECT pageno FROM dbstat WHERE name = 'entry' AND pagetype = 'leaf' LIMIT 1 OFFSET 3",
    )
    .get() as { pageno: number };
  const first = db.prepare("SELECT conv FROM entry ORDER BY rowid LIMIT 1 OFFSET 12").get();
  db.close();
  // Rows are stored in the order they came: the fourth page is the first conversation's.
  expect(first).toEqual({ conv: conversation });
  const file = openSync(databaseOf(world), "r+");
  writeSync(file, Buffer.alloc(8, 0xff), 0, 8, (pageno - 1) * 4_096);
  closeSync(file);
}

describe("a damaged conversation", () => {
  test("[S17] a page that cannot be read puts it into quarantine; the rest is served", async () => {
    const { world, ada, harmed, spared } = await twoConversations();
    damagePageOf(world, harmed);
    await world.restart();
    const history = (conversation: ConversationId) =>
      world.rest("GET", `/conversations/${conversation}/messages?after=0&limit=100`, ada.token);

    const read = await history(harmed);
    const written = await sendByRest(world, ada, harmed);

    expect([codeOf(read), codeOf(written)]).toEqual(["STORAGE_FAILED", "STORAGE_FAILED"]);
    expect((await history(spared)).body.data).toHaveLength(41);
    expect((await sendByRest(world, ada, spared)).body.data.conversation_seq).toBe(42);
    const list = await world.rest("GET", "/conversations", ada.token);
    expect(list.body.data).toHaveLength(2);
    const metrics = await world.rest("GET", "/metrics");
    expect(metrics.body).toContain("parley_relay_quarantined 1\n");
    expect(world.lines.filter((line) => line.startsWith("conversation.quarantined"))).toEqual([
      'conversation.quarantined {"because":"page","count":1}',
    ]);
  });

  test("[S17] an entry with another hash does so too, for sockets as well, and over restarts", async () => {
    const { world, ada, harmed, spared } = await twoConversations();
    const db = new DatabaseSync(databaseOf(world));
    db.prepare("UPDATE entry SET body = zeroblob(length(body)) WHERE conv = ? AND seq = 5").run(
      harmed,
    );
    db.close();
    await world.restart();
    const person = await world.socket(ada);
    person.send({ type: "resume", log_epoch: null, cursors: { [harmed]: 1, [spared]: 1 } });
    await person.next("resume.ok");

    const seqs = [];
    while (seqs.length < 40) {
      const { conversation_id, conversation_seq } = await person.next("message.new");
      if (conversation_id === spared) seqs.push(conversation_seq);
    }
    await person.settle();
    expect(person.seen("message.new")).toEqual([]);
    await world.rest("GET", `/conversations/${harmed}/messages?after=0`, ada.token);
    await world.restart();
    expect(codeOf(await sendByRest(world, ada, harmed))).toBe("STORAGE_FAILED");
    await world.stop();
    expect((await verifyFolder(world.folder)).damage).toEqual([
      { check: "entries with another hash", count: 1 },
    ]);
  });
});

describe("a full disk", () => {
  /** A log whose database may have no more pages than it has now and some. */
  async function aLogWithRoomFor(pages: number) {
    const path = join(aFolder(), DATABASE_FILE);
    const db = openForWriting(path, "epoch");
    const writer = createInlineWriter(db, silentLog);
    const reader = openForReading(path);
    onTestEnd(() => {
      reader.close();
      db.close();
    });
    const log = await createSqlLog(writer, createSqliteSql(reader), createFakeClock(), silentLog);
    const ada = anId<AccountId>();
    const conversationId = anId<ConversationId>();
    await log.createConversation({
      now: 0,
      conversationId,
      type: "group",
      members: [{ id: ada, type: "human", role: "owner", ownerId: null }],
      ledger: aLedger(1, conversationId, 2),
      entries: [],
    });
    const sql = createSqliteSql(db);
    const held = (await sql.get<{ page_count: number }>("PRAGMA page_count"))?.page_count ?? 0;
    await sql.all(`PRAGMA max_page_count = ${held + pages}`);
    const append = (sizeBytes: number) => {
      const entry: AppendRequest["entry"] = {
        conversationId,
        kind: "message.new",
        messageId: anId<MessageId>(),
        senderId: ada,
        senderType: "human",
        senderDeviceId: ada as string as DeviceId,
        meta: {},
        body: new Uint8Array(sizeBytes),
        sessionOpen: null,
        countsUnread: true,
      };
      return log.append({ now: 0, entry, artifact: null, stream: null }, null);
    };
    const seqs = async () =>
      (
        await log.page({ conversationId, after: 0, before: null, maxEntries: 99, maxBytes: 9e9 })
      ).map(({ seq }) => seq);
    return { append, seqs, free: () => sql.all("PRAGMA max_page_count = 1000000") };
  }

  test("[S17] refuses what does not fit, reads on, and takes the next when there is room, without a hole", async () => {
    const { append, seqs, free } = await aLogWithRoomFor(10);
    await append(1_000);

    const tooBig = await append(100_000);
    const alone = await append(1_000);
    const together = await Promise.all([append(1_000), append(100_000), append(1_000)]);

    expect(tooBig).toMatchObject({ ok: false, failure: { code: "STORAGE_FULL" } });
    expect(alone).toMatchObject({ ok: true, value: { seq: 2 } });
    expect(together.map((result) => (result.ok ? "ok" : result.failure.code))).toContain(
      "STORAGE_FULL",
    );
    const before = await seqs();
    expect(before).toEqual(before.map((_, i) => i + 1));
    await free();
    expect(await append(100_000)).toMatchObject({ ok: true, value: { seq: before.length + 1 } });
  });
});

// The kernel's limit on file sizes is the one way to a failing write that needs no rights and no other file system.
describe.runIf(process.platform === "linux")("a disk that fails to write", () => {
  async function aRelayProcess() {
    const folder = aFolder();
    const program = fork(fileURLToPath(new URL("./main.ts", import.meta.url)), [], {
      env: { ...process.env, PARLEY_PORT: "0", PARLEY_DATA: folder },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    onTestEnd(() => killed(program));
    const [{ url }] = (await once(program, "message")) as [{ url: string }];
    const call = async (method: string, path: string, token: string | null, body?: unknown) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          "content-type": "application/json",
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as any };
    };
    const limit = (bytes: number | "unlimited"): void =>
      void execFileSync("prlimit", ["--pid", String(program.pid), `--fsize=${bytes}:unlimited`]);
    return { folder, call, limit };
  }

  test("[S17] [R11] makes the relay refuse writes and say so, live and read on, and recover without a restart", async () => {
    const { folder, call, limit } = await aRelayProcess();
    const { request } = aRegistration("ada");
    const { access_token: token } = (await call("POST", "/auth/register", null, request)).body.data;
    const operator = await createOperator(folder, createFakeClock(Date.now()), systemRandom);
    const invited = await operator.createAgent("Echo", "");
    await operator.close();
    const code = invited.ok ? invited.value.invite_code : "";
    const conversation_id = anId<ConversationId>();
    const ledger = aLedger(1, conversation_id, 2).map(text64);
    const accept = { conversation_id, ledger, granted_scopes: [] };
    await call("POST", `/invites/${code}/accept`, token, accept);
    const ada = { id: request.user_id, deviceId: request.device.device_id };
    const path = `/conversations/${conversation_id}/messages`;
    const say = () => {
      const client_message_id = anId<MessageId>();
      const encrypted_payload = anEnvelope(conversation_id, client_message_id, ada);
      return call("POST", path, token, { client_message_id, encrypted_payload });
    };
    const acked: number[] = [];
    const say10 = async (): Promise<readonly unknown[]> => {
      const codes: unknown[] = [];
      for (let i = 0; i < 10; i++) {
        const answer = await say();
        if (answer.status === 201) acked.push(answer.body.data.conversation_seq);
        codes.push(answer.status === 201 ? 201 : answer.body.error.code);
      }
      return codes;
    };
    await say10();

    limit(statSync(join(folder, `${DATABASE_FILE}-wal`)).size + 8_192);
    const refused = await say10();
    const health = await call("GET", "/health", null);
    const [ready, live] = [await call("GET", "/ready", null), await call("GET", "/live", null)];
    const read = await call("GET", `${path}?after=0&limit=100`, token);
    limit("unlimited");
    const again = await say();

    expect(refused.at(-1)).toBe("STORAGE_FAILED");
    expect([health.status, health.body.data.storage]).toEqual([503, "read_only"]);
    expect([ready.status, live.status, live.body]).toEqual([503, 200, { data: { live: true } }]);
    expect(read.body.data.slice(1).map((frame: any) => frame.conversation_seq)).toEqual(acked);
    expect(again.body.data.conversation_seq).toBe((acked.at(-1) ?? 0) + 1);
    expect((await call("GET", "/health", null)).status).toBe(200);
  });
});
