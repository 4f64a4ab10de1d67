import { describe, expect, test } from "vitest";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { AgentId } from "#protocol/ids.ts";
import { aMessage, anEnvelope, anId, aWorld, passTimeUntil } from "../relay-world.contract.ts";
import { aSessionOpen } from "../rest-steps.contract.ts";

async function aPersonWithAnAgent(options: Parameters<typeof aWorld>[0] = {}) {
  const world = await aWorld(options);
  const ada = await world.person("ada");
  const echo = await world.agent();
  const conversation = await world.invite(ada, echo.inviteCode);
  return { world, ada, echo, conversation };
}

describe("messages", () => {
  test("[P5] entries of a conversation are numbered from 1 without a hole", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const agent = await world.online(echo);
    const person = await world.online(ada);

    for (let i = 0; i < 3; i++) person.send(aMessage(conversation, ada));
    agent.send(aMessage(conversation, echo));
    for (let i = 0; i < 3; i++) await person.next("message.ack");
    await agent.next("message.ack");

    const page = await world.rest(
      "GET",
      `/conversations/${conversation}/messages?after=0`,
      ada.token,
    );
    expect(page.body.data.map((frame: any) => frame.conversation_seq)).toEqual([1, 2, 3, 4, 5]);
    expect(page.body.data[0].type).toBe("relation.established");
  });

  test("[R2] [P89] an acknowledged message is in the file, for whoever opens it", async () => {
    const { world, ada, conversation } = await aPersonWithAnAgent();
    const person = await world.online(ada);
    const message = aMessage(conversation, ada);

    person.send(message);
    const ack = await person.next("message.ack");

    const rows = await world.rows<{ seq: number }>(
      "SELECT seq FROM entry WHERE msg_id = ?",
      message.client_message_id,
    );
    expect(rows).toEqual([{ seq: ack.conversation_seq }]);
  });

  test("[P2] a repeat is answered by the first ack, whatever its bytes", async () => {
    const { world, ada, conversation } = await aPersonWithAnAgent();
    const person = await world.online(ada);
    const message = aMessage(conversation, ada);
    person.send(message);
    const first = await person.next("message.ack");

    const again = anEnvelope(conversation, message.client_message_id, ada, 8);
    person.send({ ...message, encrypted_payload: again });
    const second = await person.next("message.ack");

    expect(second).toEqual({ ...first, duplicate: true });
    expect(await world.rows("SELECT seq FROM entry WHERE conv = ?", conversation)).toHaveLength(2);
  });

  test("[P2] another sender's use of a message id is refused", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const person = await world.online(ada);
    const agent = await world.online(echo);
    const message = aMessage(conversation, ada);
    person.send(message);
    await person.next("message.ack");

    agent.send({
      ...message,
      encrypted_payload: anEnvelope(conversation, message.client_message_id, echo),
    });

    expect(await agent.next("error")).toMatchObject({
      code: "MESSAGE_ID_CONFLICT",
      client_message_id: message.client_message_id,
    });
  });

  test("[P116] an envelope that names another conversation, message or sender is not stored", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const person = await world.online(ada);
    const id = anId<MessageId>();
    const wrong = [
      anEnvelope(anId<ConversationId>(), id, ada),
      anEnvelope(conversation, anId<MessageId>(), ada),
      anEnvelope(conversation, id, { id: echo.id, deviceId: ada.deviceId }),
      anEnvelope(conversation, id, { id: ada.id, deviceId: echo.deviceId }),
    ];

    for (const encrypted_payload of wrong) {
      person.send({
        type: "message.send",
        conversation_id: conversation,
        client_message_id: id,
        encrypted_payload,
      });
    }
    const codes = [];
    for (const _ of wrong) codes.push((await person.next("error")).code);

    expect(codes).toEqual(wrong.map(() => "ENVELOPE_MISMATCH"));
    expect(await world.rows("SELECT seq FROM entry WHERE msg_id = ?", id)).toEqual([]);
  });

  test("[P116] an opening of another conversation, sender or session is not stored with a message", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const person = await world.online(ada);
    const message = aMessage(conversation, ada);
    const sid = new Uint8Array(16).fill(9);
    const wrong = [
      aSessionOpen(anId<ConversationId>(), ada, sid),
      aSessionOpen(conversation, { ...ada, id: echo.id }, sid),
      aSessionOpen(conversation, { ...ada, deviceId: echo.deviceId }, sid),
      aSessionOpen(conversation, ada, new Uint8Array(16).fill(8)),
    ];

    for (const session_open of wrong) person.send({ ...message, session_open });
    const refused = [];
    for (const _ of wrong) refused.push(await person.next("error"));

    expect(refused.map(({ code, params }) => [code, params])).toEqual(
      wrong.map(() => ["ENVELOPE_MISMATCH", { path: "session_open" }]),
    );
    expect(
      await world.rows("SELECT seq FROM entry WHERE msg_id = ?", message.client_message_id),
    ).toEqual([]);
  });

  test("[P92] the writing socket gets its ack, the person's other sockets and the agent get the frame", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const writing = await world.online(ada);
    const other = await world.online(ada);
    const agent = await world.online(echo);
    await agent.next("relation.established");
    const message = aMessage(conversation, ada);

    writing.send(message);

    await writing.next("message.ack");
    expect(await other.next("message.new")).toMatchObject({
      ...message,
      type: "message.new",
      sender_id: ada.id,
    });
    expect(await agent.next("message.new")).toMatchObject({
      conversation_seq: 2,
      sender_device_id: ada.deviceId,
    });
    await writing.settle();
    expect(writing.seen("message.new")).toEqual([]);
  });

  test("[R3] a stranger's message is refused, and a member's after the relation ended", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const bob = await world.person("bob");
    const stranger = await world.online(bob);
    const person = await world.online(ada);
    stranger.send(aMessage(conversation, bob));
    expect((await stranger.next("error")).code).toBe("NOT_MEMBER");

    const relations = await world.rest("GET", "/relations", ada.token);
    await world.rest("POST", `/relations/${relations.body.data[0].relation_id}/revoke`, echo.token);

    expect(await person.next("relation.revoked")).toMatchObject({ payload: { by: echo.id } });
    person.send(aMessage(conversation, ada));
    expect((await person.next("error")).code).toBe("RELATION_REVOKED");
  });

  test("[P74] a recall within its window erases the envelope and leaves its hash", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const person = await world.online(ada);
    const agent = await world.online(echo);
    const message = aMessage(conversation, ada);
    person.send(message);
    await person.next("message.ack");
    const recall = { conversation_id: conversation, message_id: message.client_message_id };

    agent.send({ type: "message.recall", ...recall });
    expect((await agent.next("error")).code).toBe("RECALL_NOT_OWNER");
    person.send({ type: "message.recall", ...recall });
    await person.next("message.ack");

    expect(await agent.next("message.recalled")).toMatchObject({
      ...recall,
      recalled_by: ada.id,
      conversation_seq: 3,
    });
    const [row] = await world.rows<{ body: unknown; hash: Uint8Array }>(
      "SELECT body, hash FROM entry WHERE msg_id = ?",
      message.client_message_id,
    );
    expect(row?.body).toBeNull();
    expect(row?.hash.length).toBe(32);
    const page = await world.rest(
      "GET",
      `/conversations/${conversation}/messages?after=1&limit=1`,
      ada.token,
    );
    expect(page.body.data[0]).toMatchObject({
      encrypted_payload: null,
      recalled_at: expect.any(String),
    });
  });

  test("[P74] after 120 s a message can no longer be recalled", async () => {
    const { world, ada, conversation } = await aPersonWithAnAgent();
    const person = await world.online(ada);
    const message = aMessage(conversation, ada);
    person.send(message);
    await person.next("message.ack");

    for (let i = 0; i < 2; i++) {
      await world.clock.advance(60_000);
      await person.settle();
    }
    await world.clock.advance(1_000);
    person.send({
      type: "message.recall",
      conversation_id: conversation,
      message_id: message.client_message_id,
    });

    expect((await person.next("error")).code).toBe("RECALL_WINDOW_EXPIRED");
  });

  test("[P220] an artifact's update on a stale revision is refused and stores nothing", async () => {
    const { world, echo, conversation } = await aPersonWithAnAgent();
    const agent = await world.online(echo);
    const key = "0".repeat(32);
    agent.send({ ...aMessage(conversation, echo), artifact_guard: { key } });
    agent.send({ ...aMessage(conversation, echo), artifact_guard: { key, based_on_revision: 0 } });
    await agent.next("message.ack");
    const second = await agent.next("message.ack");

    agent.send({ ...aMessage(conversation, echo), artifact_guard: { key, based_on_revision: 0 } });

    expect(await agent.next("error")).toMatchObject({
      code: "REVISION_CONFLICT",
      params: { current_revision: 1 },
    });
    agent.send(aMessage(conversation, echo));
    expect((await agent.next("message.ack")).conversation_seq).toBe(second.conversation_seq + 1);
  });

  test("[P220] an artifact is updated by its author alone, and made once", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const agent = await world.online(echo);
    const person = await world.online(ada);
    const key = "0".repeat(32);
    agent.send({ ...aMessage(conversation, echo), artifact_guard: { key } });
    await agent.next("message.ack");

    person.send({ ...aMessage(conversation, ada), artifact_guard: { key, based_on_revision: 0 } });
    agent.send({ ...aMessage(conversation, echo), artifact_guard: { key } });

    expect((await person.next("error")).code).toBe("FORBIDDEN");
    expect(await agent.next("error")).toMatchObject({
      code: "REVISION_CONFLICT",
      params: { current_revision: 0 },
    });
  });

  test("[P222] an artifact past its time is announced once and takes no update", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent();
    const agent = await world.online(echo);
    const person = await world.online(ada);
    const key = "a".repeat(32);
    const expires_at = new Date(world.clock.now() + 5_000).toISOString();
    agent.send({ ...aMessage(conversation, echo), artifact_guard: { key, expires_at } });
    await agent.next("message.ack");

    const expired = await passTimeUntil(world, person.next("artifact.expired"), 1_000);

    expect(expired).toMatchObject({ key, expired_at: expires_at });
    agent.send({ ...aMessage(conversation, echo), artifact_guard: { key, based_on_revision: 0 } });
    expect((await agent.next("error")).code).toBe("ARTIFACT_EXPIRED");
    for (let times = 0; times < 3; times++) {
      await world.clock.advance(6_000);
      // What a look at the database stores is stored before what is asked after it.
      agent.send(aMessage(conversation, echo));
      await agent.next("message.ack");
    }
    await person.settle();
    expect(person.seen("artifact.expired")).toEqual([]);
  });

  test("[P281] [P8] an agent's 21st message of a moment is refused with a time to come back", async () => {
    const { world, echo, conversation } = await aPersonWithAnAgent();
    const agent = await world.online(echo);

    for (let i = 0; i < 21; i++) agent.send(aMessage(conversation, echo));

    expect(await agent.next("error")).toMatchObject({ code: "RATE_LIMITED", retry_after_ms: 200 });
    for (let i = 0; i < 20; i++) await agent.next("message.ack");
  });

  test("[P64] a message in plain text is refused by name", async () => {
    const { world, echo, conversation } = await aPersonWithAnAgent();

    const answer = await world.rest("POST", `/agents/${echo.id as AgentId}/messages`, echo.token, {
      conversation_id: conversation,
      client_message_id: anId(),
      payload: { type: "text", text: "hello" },
    });

    expect([answer.status, answer.body.error.code]).toEqual([422, "PLAINTEXT_REFUSED"]);
  });
});
