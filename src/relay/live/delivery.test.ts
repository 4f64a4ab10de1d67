import { describe, expect, test } from "vitest";
import type { ConversationId } from "#protocol/ids.ts";
import { MAX_FRAME_BYTES } from "#protocol/limits.ts";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import {
  aMessage,
  aWorld,
  writeBeside,
  type Account,
  type Socket,
  type World,
} from "../relay-world.contract.ts";
import { aSecondDevice } from "../rest-steps.contract.ts";

const UNLIMITED = { perSecond: 100_000, burst: 100_000 };

async function aBusyConversation() {
  const world = await aWorld({ rates: { humanMessages: UNLIMITED, agentMessages: UNLIMITED } });
  const ada = await world.person("ada");
  const echo = await world.agent();
  const conversation = await world.invite(ada, echo.inviteCode);
  return { world, ada, echo, conversation };
}

async function say(
  socket: Socket,
  sender: Account,
  conversation: ConversationId,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    socket.send(aMessage(conversation, sender));
    await socket.next("message.ack");
  }
}

/** So many conversations of the agent, each with an entry that it has not seen. */
async function unseenBy(world: World, agent: Account, count: number): Promise<void> {
  const ids = Array.from(
    { length: count },
    (_, i) => `${i.toString(16).padStart(8, "0")}-0000-7000-8000-000000000000`,
  );
  const rows = (row: (id: string) => string): string => ids.map((id) => `(${row(id)})`).join(", ");
  await writeBeside(
    world,
    `INSERT INTO conv (id, type, status, next_seq, updated_at)
       VALUES ${rows((id) => `'${id}', 'h2a', 'revoked', 2, 1`)};
     INSERT INTO member (conv, account, type, role, joined_seq)
       VALUES ${rows((id) => `'${id}', '${agent.id}', 'agent', 'member', 1`)};
     INSERT INTO entry (conv, seq, sender_type, kind, meta, counts, at)
       VALUES ${rows((id) => `'${id}', 1, 'system', 'relation.revoked', '{"payload":{}}', 0, 1`)}`,
  );
}

const seqs = async (socket: Socket, count: number): Promise<number[]> => {
  const got: number[] = [];
  while (got.length < count) got.push((await socket.next("message.new")).conversation_seq);
  return got;
};

/** The agent has no socket any more, and what it acknowledged is on disk. */
async function isAway(watcher: Socket): Promise<void> {
  while ((await watcher.next("presence")).state !== "offline");
}

/** The cursors are written a moment after the acks. */
const cursorsWritten = (world: World): Promise<void> => world.clock.advance(50);

describe("delivery", () => {
  test("[P95] an agent that was away gets everything it lacks, in order", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const person = await world.online(ada);
    await say(person, ada, conversation, 150);

    const agent = await world.online(echo);

    await agent.next("relation.established");
    expect(await seqs(agent, 150)).toEqual(Array.from({ length: 150 }, (_, i) => i + 2));
  });

  test("[P95] a person's longer backlog is left to be fetched in pages", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const agent = await world.online(echo);
    await say(agent, echo, conversation, 101);

    const person = await world.socket(ada);
    person.send({ type: "resume", log_epoch: null, cursors: { [conversation]: 1 } });

    expect((await person.next("resume.ok")).conversations).toEqual([
      {
        conversation_id: conversation,
        status: "continued",
        cursor: 1,
        last_seq: 102,
        pushed: false,
      },
    ]);
    await say(agent, echo, conversation, 1);
    expect(await seqs(person, 1)).toEqual([103]);
  });

  test("[P91] what was acknowledged is not sent again; what was not is", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const person = await world.online(ada);
    const first = await world.online(echo);
    await say(person, ada, conversation, 3);
    await seqs(first, 3);
    first.send({ type: "message.ack", conversation_id: conversation, seq: 3 });
    await first.settle();
    await cursorsWritten(world);
    first.close();
    await first.closed();

    const second = await world.online(echo);

    expect(await seqs(second, 1)).toEqual([4]);
  });

  test("[P91] cursors outlive the relay", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const person = await world.online(ada);
    const agent = await world.online(echo);
    await say(person, ada, conversation, 2);
    await seqs(agent, 2);
    agent.send({ type: "message.ack", conversation_id: conversation, seq: 2 });
    await agent.settle();

    await world.restart();

    expect(await seqs(await world.online(echo), 1)).toEqual([3]);
  });

  test("[P91] a cursor goes neither back nor past the log's end", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const person = await world.online(ada);
    const acknowledge = async (seq: number) => {
      const agent = await world.online(echo);
      agent.send({ type: "message.ack", conversation_id: conversation, seq });
      await agent.settle();
      await cursorsWritten(world);
      agent.close();
      await isAway(person);
    };
    await say(person, ada, conversation, 3);
    await acknowledge(4);

    await acknowledge(2);
    await say(person, ada, conversation, 1);
    const between = await world.online(echo);
    expect(await seqs(between, 1)).toEqual([5]);
    between.close();
    await isAway(person);

    await acknowledge(5);
    await acknowledge(99);
    await say(person, ada, conversation, 1);
    expect(await seqs(await world.online(echo), 1)).toEqual([6]);
  });

  test("[P91] who acknowledges more than there is, and comes back at once, misses nothing of what follows", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const person = await world.online(ada);
    const first = await world.online(echo);
    await first.next("relation.established");
    first.send({ type: "message.ack", conversation_id: conversation, seq: 1 });
    await first.settle();
    await cursorsWritten(world);
    first.close();
    await first.closed();
    const level = await world.online(echo);
    level.send({ type: "message.ack", conversation_id: conversation, seq: 99 });
    await level.settle();
    // Its next process is here before it is gone: the agent stays.
    const next = await world.socket(echo);
    level.close();
    // Told once what the other one acknowledged is on disk.
    while ((await next.next("agent.assignment")).connections !== 1);
    await say(person, ada, conversation, 1);

    next.send({ type: "resume", log_epoch: null, cursors: null });

    expect(await seqs(next, 1)).toEqual([2]);
  });

  test("[P94] a client of another log is told to start over", async () => {
    const { world, ada, conversation } = await aBusyConversation();
    const person = await world.socket(ada);

    person.send({ type: "resume", log_epoch: "another", cursors: { [conversation]: 900 } });

    expect(await person.next("resume.ok")).toMatchObject({
      status: "reset",
      conversations: [{ conversation_id: conversation, status: "reset", last_seq: 1 }],
    });
  });

  test("[P94] a client that knows more than the log is told that this conversation was reset", async () => {
    const { world, ada, conversation } = await aBusyConversation();
    const person = await world.socket(ada);

    person.send({ type: "resume", log_epoch: null, cursors: { [conversation]: 900 } });

    expect(await person.next("resume.ok")).toMatchObject({
      status: "continued",
      conversations: [{ conversation_id: conversation, status: "reset", last_seq: 1 }],
    });
  });

  test("[P149] a socket gets 256 entries, and the next ones as it acknowledges", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const person = await world.online(ada);
    const agent = await world.online(echo);
    await agent.next("relation.established");
    await say(person, ada, conversation, 260);

    expect((await seqs(agent, 255)).at(-1)).toBe(256);
    await agent.settle();
    expect(agent.seen("message.new")).toEqual([]);
    agent.send({ type: "message.ack", conversation_id: conversation, seq: 100 });

    expect(await seqs(agent, 5)).toEqual([257, 258, 259, 260, 261]);
  });

  test.each(["lives", "is away"])(
    "[P149] a socket gets nothing more once 4 MiB are unacknowledged, whether it %s while they are said",
    async (when) => {
      const { world, ada, echo, conversation } = await aBusyConversation();
      const person = await world.online(ada);
      const early = when === "lives" ? await world.online(echo) : null;
      for (let i = 0; i < 24; i++) {
        person.send(aMessage(conversation, ada, 7, 196_608));
        await person.next("message.ack");
      }
      const agent = early ?? (await world.online(echo));
      await agent.settle();
      const frames: RelayFrameOf<"message.new">[] = [];
      const sizeBytes = (): number =>
        frames.reduce((sum, frame) => sum + JSON.stringify(frame).length, 0);
      while (sizeBytes() < 4_194_304) frames.push(await agent.next("message.new"));
      await agent.settle();

      expect(agent.seen("message.new")).toEqual([]);
      const seq = frames.at(-1)?.conversation_seq ?? 0;
      agent.send({ type: "message.ack", conversation_id: conversation, seq });

      const rest = await seqs(agent, 24 - frames.length);
      expect([frames[0]?.conversation_seq, seq + 1, rest.at(-1)]).toEqual([2, rest[0], 25]);
    },
  );

  test("[P121] senders hear up to where their messages were delivered and read", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const person = await world.online(ada);
    const agent = await world.online(echo);
    await say(agent, echo, conversation, 1);
    await seqs(person, 1);

    person.send({ type: "message.ack", conversation_id: conversation, seq: 2 });
    await person.settle();
    await cursorsWritten(world);
    const delivered = await agent.next("message.status_updated");
    person.send({ type: "message.read", conversation_id: conversation, seq: 2 });
    const read = await agent.next("message.status_updated");

    const place = {
      type: "message.status_updated",
      conversation_id: conversation,
      seq: 2,
      user_id: ada.id,
    };
    expect(delivered).toEqual({ ...place, status: "delivered" });
    expect(read).toEqual({ ...place, status: "read" });
    expect(await agent.next("message.read")).toMatchObject({ user_id: ada.id, seq: 2 });
  });

  test("[P131] typing reaches the other members and nobody else", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const person = await world.online(ada);
    const agent = await world.online(echo);
    const stranger = await world.online(await world.person("stranger"));

    stranger.send({ type: "typing.start", conversation_id: conversation });
    await stranger.settle();
    agent.send({ type: "typing.start", conversation_id: conversation });

    expect(await person.next("typing")).toMatchObject({
      sender_id: echo.id,
      state: "start",
      expires_in_ms: 5_000,
    });
    for (const socket of [agent, person, stranger]) {
      await socket.settle();
      expect(socket.seen("typing")).toEqual([]);
    }
  });

  test("[P132] a person hears when an agent they talk with comes and goes", async () => {
    const { world, ada, echo } = await aBusyConversation();
    const person = await world.online(ada);

    const agent = await world.online(echo);
    expect(await person.next("presence")).toMatchObject({ peer_id: echo.id, state: "online" });
    agent.close();

    expect(await person.next("presence")).toMatchObject({ peer_id: echo.id, state: "offline" });
  });
});

describe("an agent's sockets", () => {
  test("[P96] a fourth one evicts the least recently used", async () => {
    const { world, echo, conversation } = await aBusyConversation();
    const sockets = [];
    for (let i = 0; i < 3; i++) {
      sockets.push(await world.online(echo));
      await world.clock.advance(10);
    }
    const [first, second] = sockets;
    first?.send(aMessage(conversation, echo));
    await first?.next("message.ack");
    await world.clock.advance(10);
    // Neither is use.
    second?.send({ type: "typing.start", conversation_id: conversation });
    second?.send({ type: "ping" });
    await second?.next("pong");

    await world.online(echo);

    expect(await second?.closed()).toEqual({ code: 4008, reason: "EVICTED" });
  });

  test("[P82] the same process coming back replaces its own socket", async () => {
    const { world, echo } = await aBusyConversation();
    const before = await world.socket(echo, { connection_hint: "process-1" });

    await world.socket(echo, { connection_hint: "process-1" });

    expect((await before.closed()).code).toBe(4013);
  });

  test("[P82] a socket with another hint, without one, or of another device keeps its place", async () => {
    const { world, ada, echo } = await aBusyConversation();
    const phone = await aSecondDevice(world, ada);
    const processes = [await world.socket(echo), await world.socket(echo)];
    processes.push(await world.socket(echo, { connection_hint: "process-1" }));
    const person = await world.socket(ada, { connection_hint: "tab" });

    await world.socket(ada, { connection_hint: "another tab" });
    await world.socket(phone, { connection_hint: "tab" });

    for (const socket of [...processes, person]) await socket.settle();
    await world.socket(ada, { connection_hint: "tab" });
    expect((await person.closed()).code).toBe(4013);
  });

  test("[P97] each conversation belongs to one of them", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const sockets = [await world.online(echo), await world.online(echo)];
    const person = await world.online(ada);

    await say(person, ada, conversation, 5);
    const counts = () => sockets.map((socket) => socket.seen("message.new").length);
    // Which of them it is may be looked up behind the ack.
    await expect.poll(() => counts().reduce((sum, count) => sum + count)).toBe(5);
    for (const socket of sockets) await socket.settle();

    expect(counts().toSorted()).toEqual([0, 5]);
  });

  test("[P97] what one had not acknowledged when it closed goes to another", async () => {
    const { world, ada, echo, conversation } = await aBusyConversation();
    const first = await world.online(echo);
    await first.next("relation.established");
    first.send({ type: "message.ack", conversation_id: conversation, seq: 1 });
    const person = await world.online(ada);
    await say(person, ada, conversation, 2);
    await seqs(first, 2);
    const second = await world.online(echo);
    first.send({ type: "message.ack", conversation_id: conversation, seq: 2 });
    await first.settle();
    expect(second.seen("message.new")).toEqual([]);

    first.close();

    expect(await seqs(second, 1)).toEqual([3]);
  });

  test("[P98] they are told how many they are", async () => {
    const { world, echo } = await aBusyConversation();
    const first = await world.online(echo);
    expect(await first.next("agent.assignment")).toMatchObject({ connections: 1 });

    await world.online(echo);

    expect(await first.next("agent.assignment")).toMatchObject({ connections: 2 });
  });

  test("[P98] the fence goes on growing over a restart of the relay", async () => {
    const { world, echo } = await aBusyConversation();
    const before = await (await world.online(echo)).next("agent.assignment");

    await world.clock.advance(1);
    await world.restart();

    const after = await (await world.online(echo)).next("agent.assignment");
    expect(after.fence).toBeGreaterThan(before.fence);
  });
});

test("[R64] what an agent is told of thousands of conversations fits a frame, and the entries of all follow", async () => {
  const world = await aWorld();
  const echo = await world.agent();
  await unseenBy(world, echo, 2_100);
  const socket = await world.socket(echo);
  socket.send({ type: "resume", log_epoch: null, cursors: null });

  const resumed = await socket.next("resume.ok");
  const seen = new Set<ConversationId>();
  for (let i = 0; i < 2_100; i++) {
    const { conversation_id, conversation_seq: seq } = await socket.next("relation.revoked");
    seen.add(conversation_id);
    socket.send({ type: "message.ack", conversation_id, seq });
  }

  expect([resumed.conversations.length, seen.size]).toEqual([2_000, 2_100]);
  expect(JSON.stringify(resumed).length).toBeLessThan(MAX_FRAME_BYTES / 2);
});
