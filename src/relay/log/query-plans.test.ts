import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type {
  AgentId,
  AttachmentId,
  ConversationId,
  DeviceId,
  MessageId,
  UserId,
} from "#protocol/ids.ts";
import { aLedger, aMessage, anId, aWorld, onTestEnd } from "../relay-world.contract.ts";
import { DATABASE_FILE } from "../data-folder.ts";
import { openStore } from "../store/open-store.ts";
import { createSqlLog } from "./sql-log.ts";
import { isOnAServer, statementsFromNow } from "./statements.contract.ts";

/** A table gone through, an index made for one query, or a conversation's entries gone through. */
const GROWS =
  /^SCAN (?:conv|member|entry|session_open|cursor|ledger|upload|sessions|artifact|login_failures|relations|idempotency|ticket)\b|AUTOMATIC|BLOOM|relations_by_agent|(?:entry|session_open) USING .*\(conv=\?\)$/;

function stepsThatGrow(file: string, texts: ReadonlySet<string>): readonly string[] {
  const db = new DatabaseSync(file);
  const grown = [...texts]
    .filter((text) => /^\s*(?:SELECT|UPDATE|DELETE)/.test(text))
    .flatMap((text) =>
      db
        .prepare(`EXPLAIN QUERY PLAN ${text}`)
        .all(...(text.match(/\?(?!\d)/g) ?? []).map(() => 1))
        .map(({ detail }) => String(detail))
        .filter((detail) => GROWS.test(detail))
        .map((detail) => `${detail}: ${text}`),
    );
  db.close();
  return grown;
}

test.skipIf(isOnAServer)(
  "[R61] what is asked while a conversation runs is found by an index, however long it is",
  async () => {
    const world = await aWorld({ database: null });
    const ada = await world.person("ada");
    const { inviteCode, ...echo } = await world.agent();
    const id = await world.invite(ada, inviteCode);
    const texts = statementsFromNow();

    const [person, agent] = [await world.online(ada), await world.online(echo)];
    person.send(aMessage(id, ada));
    await agent.next("message.new");
    for (const query of ["limit=2", "before=3&limit=2", "after=1&limit=2"])
      expect(
        (await world.rest("GET", `/conversations/${id}/messages?${query}`, ada.token)).body.data
          .length,
      ).toBeGreaterThan(0);
    for (const path of ["/conversations", `/conversations/${id}`, `/conversations/${id}/members`])
      expect((await world.rest("GET", path, ada.token)).status).toBe(200);
    await world.stop();

    expect([...texts].some((text) => text.includes("sum(size) OVER"))).toBe(true);
    expect([...texts].some((text) => text.includes("ORDER BY updated_at DESC"))).toBe(true);
    expect(stepsThatGrow(join(world.folder, DATABASE_FILE), texts)).toEqual([]);
  },
);

test("[R61] what is written while a conversation runs is placed by an index, however long it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-plans-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "log.sqlite");
  const [clock, random] = [createFakeClock(), createSeededRandom(3)];
  const store = await openStore({ file, writes: "here" }, { clock, random, log: silentLog });
  onTestEnd(() => store.close());
  const log = await createSqlLog(store.writer, store.sql, clock, silentLog);
  const texts = statementsFromNow();
  const [now, conversationId, ada] = [1_000, anId<ConversationId>(), anId<UserId>()];
  const by = { senderId: ada, senderType: "human", senderDeviceId: anId<DeviceId>() } as const;
  const session = { sessionId: "s", userId: ada, deviceId: by.senderDeviceId, expiresAt: 2_000 };
  await log.createConversation({
    now,
    conversationId,
    type: "group",
    members: [{ id: ada, type: "human", role: "owner", ownerId: null }],
    ledger: aLedger(1, conversationId, 2),
    entries: [],
  });
  const messageId = anId<MessageId>();
  const agentId = anId<AgentId>();
  const entry = {
    ...by,
    conversationId,
    kind: "message.new",
    messageId,
    meta: {},
    body: new Uint8Array(1),
    sessionOpen: null,
    countsUnread: true,
  } as const;

  const outcomes = [
    await log.append({ now, entry, artifact: null, stream: null }, null),
    await log.recall({ ...by, now, conversationId, messageId, windowMs: 1, signed: null }, null),
    await log.recall({ ...by, now, conversationId, messageId, windowMs: 1, signed: null }, null),
    await log.markRead(conversationId, ada, 1),
    await store.writer.run("login", {
      now,
      handle: "ada",
      authHash: new Uint8Array(32),
      session: { ...session, refreshHash: new Uint8Array(32) },
    }),
    await store.writer.run("createAgent", {
      now,
      agentId,
      creatorId: ada,
      displayName: "",
      description: "",
      connectionMode: "websocket",
      manifest: null,
      manifestHash: null,
      tokenHash: new Uint8Array(32),
    }),
    await store.writer.run("createInvite", {
      now,
      inviteId: anId(),
      code: "c",
      agentId,
      maxUses: 0,
      expiresAt: null,
    }),
    await store.writer.run("acceptInvite", {
      now,
      code: "c",
      userId: ada,
      relationId: anId(),
      conversationId,
      ledger: [],
      grantedScopes: [],
    }),
    await store.writer.run("startUpload", {
      now,
      uploadId: anId(),
      attachmentId: anId<AttachmentId>(),
      conversationId,
      uploader: ada,
      sizeBytes: 1,
    }),
  ];

  expect(outcomes.map(({ ok }) => ok)).toEqual([
    true,
    true,
    true,
    true,
    true,
    true,
    true,
    false,
    true,
  ]);
  expect(stepsThatGrow(file, texts)).toEqual([]);
});

test.skipIf(isOnAServer)(
  "[R61] what is counted about a conversation is counted for those of the page alone",
  async () => {
    const world = await aWorld({ database: null });
    const ada = await world.person("ada");
    const texts = statementsFromNow();
    await world.rest("GET", "/conversations", ada.token);
    await world.stop();

    const page = [...texts].filter((text) => text.includes("member_count"));
    const db = new DatabaseSync(join(world.folder, DATABASE_FILE));
    const steps = db
      .prepare(`EXPLAIN QUERY PLAN ${page.join("")}`)
      .all("", 1, "", 1)
      .map(({ detail }) => String(detail));
    db.close();

    const cut = steps.findIndex((step) => step.includes("FOR ORDER BY"));
    const counted = steps.findIndex((step) => step.includes("CORRELATED"));
    expect([page.length, cut]).toEqual([1, expect.any(Number)]);
    expect(cut).toBeGreaterThan(-1);
    expect(counted).toBeGreaterThan(cut);
  },
);
