import { describe, expect, test } from "vitest";
import type { ConversationId } from "#protocol/ids.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import {
  aLedger,
  aMessage,
  anId,
  aWorld,
  text64,
  type Socket,
  type World,
} from "../relay-world.contract.ts";
import { aPersonWithAnAgent } from "../rest-steps.contract.ts";

/** Two people in one conversation, both online; the second has one message to read. */
async function twoPeople(world: World) {
  const ada = await world.person("ada");
  const bob = await world.person("bob");
  const { request_id } = (
    await world.rest("POST", "/contacts/requests", ada.token, { user_id: bob.id })
  ).body.data;
  const conversation = anId<ConversationId>();
  const ledger = aLedger(1, conversation, 3).map(text64);
  await world.rest("POST", `/contacts/requests/${request_id}/accept`, bob.token, {
    conversation_id: conversation,
    ledger,
  });
  const writer = await world.online(ada);
  const reader = await world.online(bob);
  writer.send(aMessage(conversation, ada));
  await writer.next("message.ack");
  await reader.next("message.new");
  const read = (seq: number) =>
    reader.send({ type: "message.read", conversation_id: conversation, seq });
  return { world, ada, bob, conversation, writer, reader, read };
}

describe("read marks", () => {
  test("[P120] reach the writer and the reader's other sockets", async () => {
    const { world, bob, conversation, writer, read } = await twoPeople(await aWorld());
    const phone = await world.online(bob);

    read(2);

    const mark = { type: "message.read", conversation_id: conversation, seq: 2, user_id: bob.id };
    expect(await writer.next("message.read")).toEqual(mark);
    expect(await phone.next("message.read")).toEqual(mark);
  });

  test("[P148] stay with the reader when either of two people wants it so", async () => {
    const { world, ada, bob, writer, reader, read } = await twoPeople(await aWorld());
    const phone = await world.online(bob);
    await world.rest("PATCH", "/users/me", ada.token, { read_receipts: false });

    read(1);
    expect(await phone.next("message.read")).toMatchObject({ user_id: bob.id, seq: 1 });
    await world.rest("PATCH", "/users/me", ada.token, { read_receipts: true });
    await world.rest("PATCH", "/users/me", bob.token, { read_receipts: false });
    read(2);
    expect(await phone.next("message.read")).toMatchObject({ user_id: bob.id, seq: 2 });
    await reader.settle();
    await writer.settle();
    expect(writer.seen("message.read")).toEqual([]);
    expect(writer.seen("message.status_updated").filter(({ status }) => status === "read")).toEqual(
      [],
    );
  });

  test("[P284] that come too often are dropped without a word", async () => {
    const world = await aWorld();
    const { ada, bob, conversation, reader, writer, read } = await twoPeople(world);
    await world.rest("PATCH", "/users/me", bob.token, { presence: true });
    for (let i = 0; i < 9; i++) {
      writer.send(aMessage(conversation, ada));
      await writer.next("message.ack");
    }

    for (let i = 0; i < 9; i++) {
      read(i + 1);
      reader.send({ type: "typing.start", conversation_id: conversation });
      reader.send({ type: "typing.stop", conversation_id: conversation });
      reader.send({ type: "presence.set", state: "away" });
      reader.send({
        type: "control.send",
        conversation_id: conversation,
        record: text64(new Uint8Array([i])),
        durable: false,
      });
    }
    await reader.settle();
    const told = () => ({
      presence: writer.seen("presence").length,
      typing: writer.seen("typing").length,
      control: writer.seen("control").length,
    });
    // Who may see each is read from the database first.
    await expect.poll(told).toEqual({ presence: 4, typing: 8, control: 4 });
    await writer.settle();

    // Marks of one conversation are stored in the order they were said: behind all that were taken.
    const path = `/conversations/${conversation}/read`;
    const marked = await world.rest("POST", path, bob.token, { seq: 1 });
    expect(marked.body.data.read_seq).toBe(4);
    expect(told()).toEqual({ presence: 4, typing: 8, control: 4 });
    expect(reader.seen("error")).toEqual([]);
  });
});

describe("presence", () => {
  test("[P132] of a person is told only if they agreed", async () => {
    const world = await aWorld();
    const { bob, ada, writer, reader } = await twoPeople(world);
    reader.close();
    await reader.closed();
    // The relay hears of it at its own end of the line; only then may it be told that from now on he agrees.
    const metrics = async () => (await world.rest("GET", "/metrics")).body as string;
    await expect.poll(metrics).toContain('parley_relay_connections{kind="human"} 1\n');
    const online = () => world.rows("SELECT 1 FROM online WHERE account = ?", bob.id);
    await expect.poll(online).toEqual([]);
    await world.rest("PATCH", "/users/me", bob.token, { presence: true });
    await writer.settle();
    expect(writer.seen("presence")).toEqual([]);

    const again = await world.online(bob);
    again.send({ type: "presence.set", state: "away" });

    expect(await writer.next("presence")).toMatchObject({ peer_id: bob.id, state: "online" });
    expect(await writer.next("presence")).toMatchObject({ peer_id: bob.id, state: "away" });
    await again.settle();
    expect(again.seen("presence").filter(({ peer_id }) => peer_id === ada.id)).toEqual([]);
  });
});

describe("control records", () => {
  test("[P110] [P141] are entries when they must last, and told at most once when not", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const agent = await world.online(echo);
    const person = await world.online(ada);
    const record = text64(new Uint8Array([1, 2, 3]));

    agent.send({ type: "control.send", conversation_id: conversation, record, durable: true });
    agent.send({ type: "control.send", conversation_id: conversation, record, durable: false });

    const place = { conversation_id: conversation, sender_id: echo.id, record };
    // What goes to the disk first may come second.
    const told = [await person.next("control"), await person.next("control")];
    expect(told).toMatchObject([place, place]);
    expect(told.map((frame) => frame.conversation_seq ?? 0).toSorted()).toEqual([0, 2]);
    const history = await world.rest(
      "GET",
      `/conversations/${conversation}/messages?after=1`,
      ada.token,
    );
    expect(history.body.data).toMatchObject([{ type: "control", ...place }]);
  });

  test("[P141] reach all members and the sender's other sockets, and nobody else sends or hears one", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const tablet = await world.online(ada);
    const [sender, agent] = [await world.online(ada), await world.online(echo)];
    const stranger = await world.online(await world.person("stranger"));
    const send = (socket: Socket, byte: number, durable: boolean) =>
      socket.send({
        type: "control.send",
        conversation_id: conversation,
        record: text64(new Uint8Array([byte])),
        durable,
      });
    const records = (frames: readonly RelayFrameOf<"control">[]) =>
      frames.map(({ record }) => Buffer.from(record, "base64")[0]).toSorted();

    send(stranger, 9, false);
    send(stranger, 8, true);
    await stranger.next("error");
    await stranger.settle();
    send(sender, 1, false);
    send(sender, 2, true);
    await sender.next("message.ack");

    for (const socket of [tablet, agent])
      expect(records([await socket.next("control"), await socket.next("control")])).toEqual([1, 2]);
    for (const socket of [tablet, agent, sender, stranger]) {
      await socket.settle();
      expect(socket.seen("control")).toEqual([]);
    }
  });

  test("[P114] count as unread only what is no control entry", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const agent = await world.online(echo);
    agent.send({ ...aMessage(conversation, echo), content_type: "control" });
    agent.send({ ...aMessage(conversation, echo), type: "reaction.set" });
    agent.send(aMessage(conversation, echo));
    for (let i = 0; i < 3; i++) await agent.next("message.ack");

    const shown = await world.rest("GET", `/conversations/${conversation}`, ada.token);

    expect(shown.body.data).toMatchObject({ unread_count: 1, last_seq: 4 });
  });

  test("[P114] a message that was taken back counts no longer", async () => {
    const { world, ada, echo, conversation } = await aPersonWithAnAgent(await aWorld());
    const agent = await world.online(echo);
    const message = aMessage(conversation, echo);
    agent.send(message);
    agent.send(aMessage(conversation, echo));
    agent.send({
      type: "message.recall",
      conversation_id: conversation,
      message_id: message.client_message_id,
    });
    for (let i = 0; i < 3; i++) await agent.next("message.ack");

    const shown = await world.rest("GET", `/conversations/${conversation}`, ada.token);

    expect(shown.body.data).toMatchObject({ unread_count: 1, last_seq: 4 });
  });
});

describe("a session that ended", () => {
  test("[P144] [P25] closes its sockets with the reason, and no others", async () => {
    const world = await aWorld();
    const ada = await world.person("ada");
    const ended = await world.online(ada);
    const token = ada.token;
    await world.renew(ada);
    const kept = await world.online(ada);

    await world.rest("POST", "/auth/logout", token);

    expect((await ended.next("session.invalidated")).reason).toBe("logout");
    expect((await ended.closed()).code).toBe(4006);
    await kept.settle();
    expect((await world.rest("GET", "/auth/me", token)).status).toBe(401);
  });
});
