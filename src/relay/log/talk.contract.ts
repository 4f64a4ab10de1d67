/** What is asked of a database, and written to it, while conversations run: for the tests that look how it is found. */
import { expect } from "vitest";
import type { Clock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import type {
  AgentId,
  AttachmentId,
  ConversationId,
  DeviceId,
  MessageId,
  UserId,
} from "#protocol/ids.ts";
import { aLedger, aMessage, anId, type World } from "../relay-world.contract.ts";
import type { Store } from "../store/open-store.ts";
import { createSqlLog } from "./sql-log.ts";

/** A person and an agent meet, talk and read; `onMet` is called before they do. */
export async function talkAndRead(world: World, onMet: () => void): Promise<void> {
  const ada = await world.person("ada");
  const { inviteCode, ...echo } = await world.agent();
  const id = await world.invite(ada, inviteCode);
  onMet();
  const [person, agent] = [await world.online(ada), await world.online(echo)];
  person.send(aMessage(id, ada));
  await agent.next("message.new");
  for (const query of ["limit=2", "before=3&limit=2", "after=1&limit=2"])
    expect(
      (await world.rest("GET", `/conversations/${id}/messages?${query}`, ada.token)).body.data
        .length,
    ).toBeGreaterThan(0);
  const lists = ["/conversations", "/conversations?order=id", "/relations?limit=2"];
  for (const path of [...lists, `/conversations/${id}`, `/conversations/${id}/members`])
    expect((await world.rest("GET", path, ada.token)).status).toBe(200);
}

/** Each of the writes there is once, into a store of one's own; `onBegin` is called before the first but one. */
export async function writeEach(store: Store, clock: Clock, onBegin: () => void): Promise<void> {
  const log = await createSqlLog(store.writer, store.sql, clock, silentLog);
  onBegin();
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
}
