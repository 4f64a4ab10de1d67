import { systemClock } from "#base/clock.ts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { base64ToBytes } from "#base/base64.ts";
import { parseSessionOpen } from "#protocol/envelope.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import type { EndpointEvent, Entry } from "./endpoint.ts";
import { parseEntry } from "./entry.ts";
import { createMemoryStore } from "./memory-store.ts";
import type { Store } from "./store.ts";
import { must, startWorld, textOf, type Member, type World } from "./endpoint-world.contract.ts";

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.end());

const say = async (member: Member, conversationId: ConversationId, text: string) => {
  const queued = must(await member.endpoint.send(conversationId, { type: "text", text }));
  return member.endpoint.settled(queued.messageId);
};

describe("a run that ends", () => {
  test("[E84] in the midst of reading writes nothing more, and the next run reads the message", async () => {
    const ann = await world.person();
    const disk = createMemoryStore();
    const held: (() => void)[] = [];
    const state = { isSlow: false, isOver: false, writesAfter: 0 };
    const first: Store = {
      ...disk,
      get: async (table, key) => {
        if (state.isSlow) await new Promise<void>((resolve) => held.push(resolve));
        return disk.get(table, key);
      },
      commit: (batch) => {
        if (state.isOver && batch.log !== undefined && batch.log.length > 0) state.writesAfter += 1;
        return disk.commit(batch);
      },
    };
    const ben = await world.person({ store: first });
    const conversationId = await world.group(ann, [[ben, "human"]]);
    await say(ann, conversationId, "before");
    await ben.text("before");

    state.isSlow = true;
    await say(ann, conversationId, "late");
    await expect.poll(() => held.length).toBeGreaterThan(0);
    const again = ben.restart({ store: disk });
    state.isOver = true;
    state.isSlow = false;
    for (const release of held) release();

    const late = await (await again).text("late");
    expect(textOf(late)).toBe("late");
    expect(state.writesAfter).toBe(0);
  });
});

describe("a run that ends in a write", () => {
  test("[E84] is over when the write is done, and then all of the message is on its disk", async () => {
    const ann = await world.person();
    const disk = createMemoryStore();
    const state = { isSlow: false };
    const held: (() => void)[] = [];
    const slow: Store = {
      ...disk,
      commit: async (batch) => {
        if (state.isSlow && (batch.log?.length ?? 0) > 0)
          await new Promise<void>((resolve) => held.push(resolve));
        return disk.commit(batch);
      },
    };
    const ben = await world.person({ store: slow });
    const conversationId = await world.group(ann, [[ben, "human"]]);
    await say(ann, conversationId, "before");
    await ben.text("before");

    state.isSlow = true;
    await say(ann, conversationId, "late");
    await expect.poll(() => held.length).toBeGreaterThan(0);
    let isOver = false;
    const closing = ben.endpoint.close(0).then(() => (isOver = true));
    // Whoever does not wait is over long before others have talked.
    for (const text of ["one", "two", "three"]) await say(ann, conversationId, text);
    const wasOver = isOver;
    for (const release of held) release();
    await closing;

    expect(wasOver).toBe(false);
    const rows = await disk.logAfter(conversationId, 0, 100);
    const kept = rows.flatMap(({ row }) => textOf(parseEntry(row) ?? expect.fail("a row")) ?? []);
    expect(kept).toEqual(["before", "late"]);
  });
});

describe("a person and an agent", () => {
  test("a text reaches the other side both ways, verified, in order", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);

    const asked = await say(person, conversationId, "hello");
    const heard = await agent.text("hello");
    const answered = await say(agent, conversationId, "hello yourself");
    const read = await person.text("hello yourself");

    expect(asked.state.status).toBe("acked");
    expect(answered.state.status).toBe("acked");
    expect(heard).toMatchObject({
      authorId: person.endpoint.accountId,
      authorKind: "human",
      content: { kind: "message", suite: 2, mode: "session", gap: false, reduced: false },
    });
    expect(read).toMatchObject({ authorId: agent.endpoint.accountId, authorKind: "agent" });
    const rows = await person.store.logAfter(conversationId, 0, 100);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i + 1));
    expect(textOf(read)).toBe("hello yourself");
  });

  test("[E60] texts queued in one breath stand in the log in that order", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    const texts = Array.from({ length: 12 }, (_, i) => `line ${i}`);

    await Promise.all(
      texts.map((text) => person.endpoint.send(conversationId, { type: "text", text })),
    );
    await agent.text("line 11");
    // Its own copy comes with the acknowledgement, which may be later.
    await person.text("line 11");

    expect(textsOf(agent)).toEqual(texts);
    expect(textsOf(person)).toEqual(texts);
  });

  test("[E33] the 65th message opens a new session and nobody notices", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    const texts = Array.from({ length: 70 }, (_, i) => `line ${i}`);

    for (const text of texts) await person.endpoint.send(conversationId, { type: "text", text });
    await agent.text("line 69");

    expect(textsOf(agent)).toEqual(texts);
    expect(
      entriesOf(agent).every(({ content }) => content.kind !== "message" || !content.gap),
    ).toBe(true);
  });

  test("[E33] a session opened while the clock moves on seals its first message", async () => {
    const start = Date.now();
    let readings = 0;
    const clock = { ...systemClock, now: () => start + readings++ };
    const person = await world.person();
    const agent = await world.agent({ clock });
    const conversationId = await world.meet(person, agent);

    await say(agent, conversationId, "every look at the clock is a millisecond later");

    await person.text("every look at the clock is a millisecond later");
  });

  test("[E73] typing is seen, and ends with the message", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "hello");
    await agent.text("hello");

    agent.endpoint.typing(conversationId, true);
    const typing = await person.until(isA("typing"));
    await say(agent, conversationId, "there");
    await person.text("there");

    expect(typing).toMatchObject({ accountId: agent.endpoint.accountId, typing: true });
    expect(person.events.filter(({ type }) => type === "typing").at(-1)).toMatchObject({
      typing: false,
    });
  });

  test("[E42] what is stored is acknowledged, and the sender hears that it was delivered", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);

    const sent = await say(person, conversationId, "hello");
    if (sent.state.status !== "acked") throw new Error("not sent");
    const { seq } = sent.state;
    // What stands before it in the log may have been acknowledged by itself.
    const receipt = await person.until(
      (event): event is Extract<EndpointEvent, { type: "receipt" }> =>
        event.type === "receipt" && event.seq >= seq,
    );

    expect(receipt).toMatchObject({
      status: "delivered",
      accountId: agent.endpoint.accountId,
      seq,
    });
  });

  test("[E68] a recalled message is emptied on every disk, in its author's name", async () => {
    const person = await world.person();
    const friend = await world.person();
    const conversationId = await world.group(person, [[friend, "human"]]);
    const sent = await say(person, conversationId, "regret");
    const { seq } = await friend.text("regret");

    must(await person.endpoint.recall(conversationId, sent.messageId));
    const isRecall = ({ content }: Entry) => content.kind === "recalled";
    const told = await friend.entry(isRecall);
    await person.entry(isRecall);

    expect(told.content).toEqual({ kind: "recalled", messageId: sent.messageId, by: "author" });
    for (const member of [person, friend]) {
      const row = await member.store.logAt(conversationId, seq);
      expect(new TextDecoder().decode(row ?? undefined)).not.toContain("regret");
    }
    await say(person, conversationId, "better");
    const next = await friend.text("better");
    expect(next.content).toMatchObject({ kind: "message", gap: false });
  });

  test("[E68] a request that is refused leaves no gap before the next message", async () => {
    const person = await world.person();
    const friend = await world.person();
    const conversationId = await world.group(person, [[friend, "human"]]);
    await say(person, conversationId, "mine");
    const theirs = await say(friend, conversationId, "not yours");
    await person.text("not yours");

    const recalled = await person.endpoint.recall(conversationId, theirs.messageId);
    await say(person, conversationId, "next");
    const next = await friend.text("next");

    expect(recalled.ok).toBe(false);
    expect(next.content).toMatchObject({ kind: "message", gap: false });
  });
});

describe("when lines break", () => {
  test("[E61] a text queued while the relay is away arrives once it is back", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "before");
    await agent.text("before");
    const start = await world.stopRelay();

    const queued = must(
      await person.endpoint.send(conversationId, { type: "text", text: "meanwhile" }),
    );
    expect(queued.state.status).toBe("queued");
    await start();
    const settled = await person.endpoint.settled(queued.messageId);
    await agent.text("meanwhile");

    expect(settled.state.status).toBe("acked");
    expect(textsOf(agent)).toEqual(["before", "meanwhile"]);
  });

  test("[E10] what was missed while away comes in order after the resume, as history", async () => {
    const person = await world.person();
    const friend = await world.person();
    const conversationId = await world.group(person, [[friend, "human"]]);
    await say(person, conversationId, "one");
    await friend.text("one");
    await friend.endpoint.close(0);

    for (const text of ["two", "three", "four"]) await say(person, conversationId, text);
    const back = await friend.restart();
    await back.text("four");

    expect(textsOf(back)).toEqual(["two", "three", "four"]);
    expect(
      back.events.flatMap((event) => (event.type === "entry" ? event.live : [])),
    ).not.toContain(true);
    const rows = await back.store.logAfter(conversationId, 0, 100);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i + 1));
  });

  test("[E44] a backlog too long to push is pulled in pages", async () => {
    const person = await world.person();
    const friend = await world.person();
    const conversationId = await world.group(person, [[friend, "human"]]);
    await say(person, conversationId, "first");
    await friend.text("first");
    await friend.endpoint.close(0);
    const texts = Array.from({ length: 230 }, (_, i) => `line ${i}`);
    for (const text of texts) await person.endpoint.send(conversationId, { type: "text", text });
    await person.text("line 229");

    const back = await friend.restart();
    await back.text("line 229");

    expect(textsOf(back)).toEqual(texts);
  });

  test("[E34] an agent's new process joins sessions again and hears what was not acknowledged", async () => {
    const person = await world.person();
    const agent = await world.agent({ acknowledge: "by-caller" });
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "one");
    const one = await agent.text("one");
    agent.endpoint.acknowledge(conversationId, one.seq);
    // What stands before it may have been acknowledged by itself.
    await person.until(
      (event): event is EndpointEvent => event.type === "receipt" && event.seq >= one.seq,
    );
    await say(person, conversationId, "two");
    await agent.text("two");

    const again = await agent.restart();
    const two = await again.text("two");
    await say(again, conversationId, "got it");
    await person.text("got it");

    expect(textsOf(again)).toEqual(["two", "got it"]);
    expect(two.content).toMatchObject({ kind: "message" });
  });

  test("[E39] a message another process has claimed is not told again", async () => {
    const person = await world.person();
    const claimed = new Set<string>();
    const claim: NonNullable<Parameters<World["agent"]>[0]>["claim"] = async (...key) => {
      const name = key.slice(0, 3).join("/");
      if (claimed.has(name)) return "seen";
      claimed.add(name);
      return "fresh";
    };
    const agent = await world.agent({ acknowledge: "by-caller", claim });
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "once");
    await agent.text("once");

    const again = await agent.restart();
    await say(person, conversationId, "next");
    await again.text("next");

    expect(textsOf(again)).toEqual(["next"]);
  });

  test("[E62] a message whose ack was lost is sent again with the same bytes and stands once", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "zero");

    const queued = must(await person.endpoint.send(conversationId, { type: "text", text: "once" }));
    person.socket.drop();
    const settled = await person.endpoint.settled(queued.messageId);
    await say(person, conversationId, "after");
    await Promise.all([agent.text("after"), person.text("after")]);

    expect(settled.state.status).toBe("acked");
    expect(textsOf(agent)).toEqual(["zero", "once", "after"]);
    expect(textsOf(person)).toEqual(["zero", "once", "after"]);
  });

  test("[E63] what one run queued the next run sends", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "before");
    const start = await world.stopRelay();
    await person.endpoint.send(conversationId, { type: "text", text: "survives" });
    await person.endpoint.close(0);

    const [back] = await Promise.all([person.restart(), start()]);
    await agent.text("survives");
    await back.text("survives");

    await expect.poll(() => back.endpoint.outgoing()).toEqual([]);
  });
});

describe("a streamed answer", () => {
  test("[E50] text arrives while it is written and the closing message proves it", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "tell me");
    await agent.text("tell me");

    const stream = must(await agent.endpoint.openStream(conversationId));
    await stream.delta("Once upon ");
    await person.until(isA("stream-text"));
    await stream.delta("a time 🐉");
    const done = must(await stream.done());
    const told = await person.text("Once upon a time 🐉");

    const shown = person.events.flatMap((event) =>
      event.type === "stream-text" ? event.text : [],
    );
    expect(shown.join("")).toBe("Once upon a time 🐉");
    expect(told.content).toMatchObject({
      streamId: stream.streamId,
      streamProof: "same",
      messageId: done.messageId,
      gap: false,
    });
  });

  test("[E56] a reader who asks to stop reaches the writer", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "tell me");
    await agent.text("tell me");

    const stream = must(await agent.endpoint.openStream(conversationId));
    await stream.delta("Lorem ipsum");
    const { streamId } = await person.until(isA("stream-text"));
    person.endpoint.requestStop(conversationId, streamId);
    const asked = await agent.until(isA("stream-stop-requested"));
    must(await stream.done());
    await person.text("Lorem ipsum");

    expect(asked).toMatchObject({ streamId, by: person.endpoint.accountId });
    expect(stream.signal.aborted).toBe(true);
  });

  test("[E57] an aborted stream leaves no message", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "tell me");
    await agent.text("tell me");

    const stream = must(await agent.endpoint.openStream(conversationId));
    await stream.delta("Never mind");
    await person.until(isA("stream-text"));
    must(await stream.abort("changed-mind"));
    const ended = await person.entry(({ content }) => content.kind === "stream-ended");

    expect(ended.content).toEqual({
      kind: "stream-ended",
      streamId: stream.streamId,
      reason: "aborted",
    });
    expect(await stream.delta("more")).toMatchObject({ ok: false });
    expect(textsOf(person)).toEqual(["tell me"]);
  });

  test("[E58] a writer that loses its line goes on where the relay stands", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "tell me");
    await agent.text("tell me");

    const stream = must(await agent.endpoint.openStream(conversationId));
    await stream.delta("first ");
    await person.until(isA("stream-text"));
    agent.socket.drop();
    await stream.delta("second ");
    await agent.until(
      (event): event is EndpointEvent =>
        event.type === "status" && event.status.status === "waiting",
    );
    await stream.delta("third");
    await person.until(
      (event): event is EndpointEvent =>
        event.type === "stream-text" && event.text.includes("third"),
    );
    must(await stream.done());
    const told = await person.text("first second third");

    expect(told.content).toMatchObject({ streamProof: "same" });
  });

  test("[E59] a stream the relay forgot becomes one ordinary message", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    await say(person, conversationId, "tell me");
    await agent.text("tell me");

    const stream = must(await agent.endpoint.openStream(conversationId));
    await stream.delta("half ");
    await person.until(isA("stream-text"));
    await world.restartRelay();
    await stream.delta("and half");
    const done = await stream.done();
    const told = await person.text("half and half");

    expect(done.ok).toBe(true);
    expect(told.content).toMatchObject({ kind: "message", gap: false });
  });
});

describe("a group of four", () => {
  test("[E30] everyone reads everyone, an agent among them", async () => {
    const [ann, ben, cleo] = [await world.person(), await world.person(), await world.person()];
    const agent = await world.agent();
    const conversationId = await world.group(ann, [
      [ben, "human"],
      [cleo, "human"],
      [agent, "agent"],
    ]);

    await say(ann, conversationId, "ann");
    await ben.text("ann");
    await say(ben, conversationId, "ben");
    await agent.text("ben");
    await say(agent, conversationId, "agent");
    await cleo.text("agent");
    await say(cleo, conversationId, "cleo");

    for (const member of [ann, ben, cleo, agent]) {
      await member.text("cleo");
      expect(textsOf(member)).toEqual(["ann", "ben", "agent", "cleo"]);
    }
  });

  test("[E31] a removed member is sealed out of the next message", async () => {
    const [ann, ben, cleo] = [await world.person(), await world.person(), await world.person()];
    const conversationId = await world.group(ann, [
      [ben, "human"],
      [cleo, "human"],
    ]);
    await say(ann, conversationId, "all three");
    await cleo.text("all three");

    const opens: string[] = [];
    ben.socket.hears((frame) => {
      if (frame.type === "message.new") opens.push(frame.session_open ?? "");
      return [frame];
    });

    const change = { type: "remove", accountId: cleo.endpoint.accountId } as const;
    must(await ann.endpoint.changeMembers(conversationId, change));
    await say(ann, conversationId, "the two of us");
    await ben.text("the two of us");
    const { head } = must(parseSessionOpen(base64ToBytes(opens[0] ?? "") ?? new Uint8Array()));
    expect(head.recipients.map(({ accountId }) => accountId)).toEqual([ben.endpoint.accountId]);
    const after = await say(cleo, conversationId, "still here?");

    expect(textsOf(cleo)).toEqual(["all three"]);
    expect(after.state.status).toBe("failed");
    expect((await ben.endpoint.ledger(conversationId))?.members.has(cleo.endpoint.accountId)).toBe(
      false,
    );
  });

  test("[E31] what a relay puts behind a member's removal is not read, what stands before it is", async () => {
    const [ann, ben, cleo] = [await world.person(), await world.person(), await world.person()];
    const conversationId = await world.group(ann, [
      [ben, "human"],
      [cleo, "human"],
    ]);
    await say(cleo, conversationId, "while I am here");
    await ben.text("while I am here");
    const held: Extract<RelayFrame, { type: "message.new" }>[] = [];
    ben.socket.hears((frame) => {
      if (frame.type === "message.new" && frame.sender_id === cleo.endpoint.accountId) {
        held.push(frame);
        return [];
      }
      const [message] = frame.type === "ledger.appended" ? held.splice(0) : [];
      if (frame.type !== "ledger.appended" || message === undefined) return [frame];
      // The two change places: the removal comes first, then what was said before it.
      const { conversation_seq } = frame;
      return [
        { ...frame, conversation_seq: message.conversation_seq },
        { ...message, conversation_seq },
      ];
    });

    await say(cleo, conversationId, "put behind");
    const change = { type: "remove", accountId: cleo.endpoint.accountId } as const;
    must(await ann.endpoint.changeMembers(conversationId, change));
    await say(ann, conversationId, "end");
    await ben.text("end");

    expect(textsOf(ben)).toEqual(["while I am here", "end"]);
    const closed = entriesOf(ben).filter(({ content }) => content.kind === "unreadable");
    expect(closed).toMatchObject([{ content: { failure: "not-member" } }]);
  });

  test("[E71] a new member reads what comes after, and nothing before", async () => {
    const [ann, ben, cleo] = [await world.person(), await world.person(), await world.person()];
    const conversationId = await world.group(ann, [[ben, "human"]]);
    await say(ann, conversationId, "before");
    await ben.text("before");

    const change = { type: "add", accountId: cleo.endpoint.accountId, kind: "human" } as const;
    must(await ann.endpoint.changeMembers(conversationId, change));
    await say(ann, conversationId, "welcome");
    await cleo.text("welcome");
    await say(cleo, conversationId, "thanks");
    await ben.text("thanks");

    expect(textsOf(cleo)).toEqual(["welcome", "thanks"]);
  });
});

describe("keys and devices", () => {
  test("[E32] an agent without a vault is reached by its card's key, and readers know", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const bare = await agent.restart({ vault: null });
    const conversationId = await world.meet(person, { ...bare, invite: agent.invite });

    await say(person, conversationId, "less secret");
    const heard = await bare.text("less secret");
    await say(bare, conversationId, "understood");
    const answer = await person.text("understood");

    expect(heard.content).toMatchObject({ suite: 1, reduced: true });
    expect(answer.content).toMatchObject({ suite: 2, reduced: false });
  });

  test("[E72] a new device is announced by the account, then reads and writes like the first", async () => {
    const ann = await world.person();
    const ben = await world.person();
    const conversationId = await world.group(ann, [[ben, "human"]]);
    await say(ben, conversationId, "before");
    await ann.text("before");

    const tablet = await ann.anotherDevice();
    await ben.entry(({ content }) => content.kind === "ledger" && content.op === "device-add");
    await say(ben, conversationId, "after");
    await tablet.text("after");
    await say(tablet, conversationId, "from the tablet");
    await ben.text("from the tablet");
    await ann.text("from the tablet");

    expect(textsOf(ann)).toEqual(["before", "after", "from the tablet"]);
    expect(textsOf(tablet)).toEqual(["after", "from the tablet"]);
  });

  test("[E20] an account is pinned at first sight and read from the own disk ever after", async () => {
    const ann = await world.person();
    const ben = await world.person();
    const seen = must(await ann.endpoint.account(ben.endpoint.accountId));

    world.lies = (url) => (url.includes("/keys/ledger/") ? "{}" : null);
    const back = await ann.restart();
    const again = must(await back.endpoint.account(ben.endpoint.accountId));

    expect(again.identityKey).toEqual(seen.identityKey);
  });

  test("[E74] what one reads is told to the others, once, however often it is marked", async () => {
    const ann = await world.person();
    const ben = await world.person();
    const conversationId = await world.group(ann, [[ben, "human"]]);
    await say(ann, conversationId, "hello");
    const { seq } = await ben.text("hello");

    for (let i = 0; i < 3; i++) ben.endpoint.markRead(conversationId, seq);
    const isRead = (event: EndpointEvent): event is Extract<EndpointEvent, { type: "receipt" }> =>
      event.type === "receipt" && event.status === "read";
    const read = await ann.until(isRead);
    await say(ben, conversationId, "seen");
    await ann.text("seen");

    expect(read).toMatchObject({ seq, accountId: ben.endpoint.accountId });
    expect(ann.events.filter(isRead)).toHaveLength(1);
  });
});

const isA =
  <Type extends EndpointEvent["type"]>(type: Type) =>
  (event: EndpointEvent): event is Extract<EndpointEvent, { type: Type }> =>
    event.type === type;

const entriesOf = (member: Member): readonly Entry[] =>
  member.events.flatMap((event) => (event.type === "entry" ? event.entry : []));

const textsOf = (member: Member): readonly string[] =>
  entriesOf(member).flatMap((entry) => textOf(entry) ?? []);
