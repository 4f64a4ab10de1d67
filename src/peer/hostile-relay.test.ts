import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { systemClock } from "#base/clock.ts";
import { utf8ToText } from "#base/bytes.ts";
import type { ConversationId, MessageId, UserId } from "#protocol/ids.ts";
import type { EndpointFrame } from "#protocol/endpoint-frame.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import type { Entry } from "./endpoint.ts";
import type { Socket } from "./socket.ts";
import {
  must,
  onItsWay,
  startWorld,
  textOf,
  type Member,
  type World,
} from "./endpoint-world.contract.ts";

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.end());

async function twoWhoTalk() {
  const ann = await world.person();
  const ben = await world.person();
  const conversationId = await world.group(ann, [[ben, "human"]]);
  await say(ann, conversationId, "first");
  await ben.text("first");
  return { ann, ben, conversationId };
}

const say = async (member: Member, conversationId: ConversationId, text: string) => {
  const queued = must(await member.endpoint.send(conversationId, { type: "text", text }));
  return member.endpoint.settled(queued.messageId);
};

const entriesOf = (member: Member): readonly Entry[] =>
  member.events.flatMap((event) => (event.type === "entry" ? event.entry : []));
const textsOf = (member: Member) => entriesOf(member).flatMap((entry) => textOf(entry) ?? []);
const isMessage = (frame: RelayFrame): frame is Extract<RelayFrame, { type: "message.new" }> =>
  frame.type === "message.new";
/** A line over which the relay's frames come changed, from its first one on. */
const lineWith = (change: Parameters<typeof onItsWay>[1]) => (address: string) => {
  const { origin } = new globalThis.URL(address.replace(/^ws/, "http"));
  return onItsWay(new WebSocket(address, { origin }), change);
};
/** Nothing of a log is pushed: it is said how far it goes, and that is all. */
const notPushing = lineWith((frame) => {
  if (frame.type !== "resume.ok") return "conversation_seq" in frame ? [] : [frame];
  const conversations = frame.conversations.map((one) => ({ ...one, pushed: false }));
  return [{ ...frame, conversations }];
});
const failuresOf = (member: Member) =>
  entriesOf(member).flatMap(({ content }) =>
    content.kind === "unreadable" ? content.failure : [],
  );

describe("a relay that repeats, holds back and reorders", () => {
  test("[E40] a message shown five times is told once", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    ben.socket.hears((frame) => (isMessage(frame) ? [frame, frame, frame, frame, frame] : [frame]));

    await say(ann, conversationId, "once");
    await say(ann, conversationId, "end");
    await ben.text("end");

    expect(textsOf(ben)).toEqual(["first", "once", "end"]);
  });

  test("[E40] an old message put at a new place is dropped", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    let old: RelayFrame | null = null;
    ben.socket.hears((frame) => {
      if (!isMessage(frame)) return [frame];
      if (old === null) {
        old = frame;
        return [frame];
      }
      const replay = { ...(old as typeof frame), conversation_seq: frame.conversation_seq };
      return [replay, { ...frame, conversation_seq: frame.conversation_seq + 1 }];
    });

    await say(ann, conversationId, "pay him");
    await say(ann, conversationId, "end");
    await ben.text("end");

    expect(textsOf(ben)).toEqual(["first", "pay him", "end"]);
    expect(failuresOf(ben)).toEqual([]);
  });

  test("[E40] an old message put at a new place is dropped by the next run, too", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const old: Extract<RelayFrame, { type: "message.new" }>[] = [];
    ben.socket.hears((frame) => {
      if (isMessage(frame)) old.push(frame);
      return [frame];
    });
    await say(ann, conversationId, "pay him");
    await ben.text("pay him");

    const again = await ben.restart();
    again.socket.hears((frame) =>
      isMessage(frame)
        ? [
            ...old.map((one) => ({ ...one, conversation_seq: frame.conversation_seq })),
            { ...frame, conversation_seq: frame.conversation_seq + 1 },
          ]
        : [frame],
    );
    await say(ann, conversationId, "end");
    await again.text("end");

    expect(textsOf(again)).toEqual(["end"]);
    expect(failuresOf(again)).toEqual([]);
  });

  test("[E40] an own message whose repeat and late ack come together is told once", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    ann.socket.hears((frame) => (frame.type === "message.ack" ? [] : [frame]));
    const queued = must(await ann.endpoint.send(conversationId, { type: "text", text: "mine" }));
    await ben.text("mine");

    const held: RelayFrame[] = [];
    ann.socket.hears((frame) => {
      if (isMessage(frame)) held.push(frame);
      if (isMessage(frame)) return [];
      return frame.type === "message.ack" ? [...held.splice(0), frame] : [frame];
    });
    ann.socket.drop();
    await ann.endpoint.settled(queued.messageId);
    await say(ann, conversationId, "end");
    await ann.text("end");

    expect(textsOf(ann)).toEqual(["first", "mine", "end"]);
  });

  test("[E43] messages pushed out of order are told in the log's order", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const held: RelayFrame[] = [];
    ben.socket.hears((frame) => {
      if (!isMessage(frame)) return [frame];
      held.push(frame);
      return held.length < 3 ? [] : held.splice(0).toReversed();
    });

    for (const text of ["one", "two", "three"]) await say(ann, conversationId, text);
    await ben.text("three");

    expect(textsOf(ben)).toEqual(["first", "one", "two", "three"]);
  });

  test("[E43] a message that was never pushed is fetched from the log before the next is told", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    let dropped = 0;
    ben.socket.hears((frame) => (isMessage(frame) && dropped++ === 0 ? [] : [frame]));

    await say(ann, conversationId, "lost");
    await say(ann, conversationId, "found");
    await ben.text("found");

    expect(textsOf(ben)).toEqual(["first", "lost", "found"]);
  });

  test("[E43] nothing is told past what cannot be fetched just now", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    let dropped = 0;
    ben.socket.hears((frame) => (isMessage(frame) && dropped++ === 0 ? [] : [frame]));
    let failures = 0;
    world.lies = (url) => {
      if (!url.includes("/messages?") || failures++ > 0) return null;
      throw new Error("no network");
    };

    await say(ann, conversationId, "lost");
    await say(ann, conversationId, "found");
    await ben.text("found");

    expect(failures).toBeGreaterThan(1);
    expect(textsOf(ben)).toEqual(["first", "lost", "found"]);
  });

  test("[E44] what is not pushed is read to its end, however little a page holds", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    await ben.endpoint.close(0);
    const texts = Array.from({ length: 7 }, (_, i) => `line ${i}`);
    for (const text of texts) await say(ann, conversationId, text);
    const path = `/conversations/${conversationId}/messages`;
    const page = must(await ann.endpoint.rest.page(`${path}?after=0&limit=200`, v.unknown()));
    const rows = page.items as { conversation_seq: number }[];
    world.lies = (url) => {
      const { pathname, searchParams } = new globalThis.URL(url);
      if (pathname !== path) return null;
      const after = Number(searchParams.get("after") ?? 0);
      const later = rows.filter(({ conversation_seq }) => conversation_seq > after);
      return JSON.stringify({
        data: later.slice(0, 3),
        next_cursor: later.length > 3 ? "x" : null,
      });
    };

    const back = await ben.restart({ openSocket: notPushing });
    await back.text("line 6");

    expect(textsOf(back)).toEqual(texts);
  });
});

describe("a relay that keeps a message back and shows it later", () => {
  test("[E49] the next one says so, and no more once it has come, on disk too", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const held: RelayFrame[] = [];
    ben.socket.hears((frame) => {
      if (!isMessage(frame)) return [frame];
      if (held.length === 0) {
        held.push(frame);
        return [];
      }
      const { conversation_seq } = frame;
      const [late] = held as (typeof frame)[];
      const before = { ...frame, conversation_seq: conversation_seq - 1 };
      // The third comes with the one kept back behind it.
      return conversation_seq - (late?.conversation_seq ?? 0) < 2
        ? [before]
        : [before, { ...late, conversation_seq } as typeof frame];
    });

    await say(ann, conversationId, "kept back");
    await say(ann, conversationId, "next");
    const next = await ben.text("next");
    expect(next.content).toMatchObject({ gap: true });
    await say(ann, conversationId, "last");
    await ben.text("kept back");

    const mended = await ben.until(
      (event): event is Extract<typeof event, { type: "mended" }> => event.type === "mended",
    );
    expect(mended.entry).toEqual({ ...next, content: { ...next.content, gap: false } });
    const row = await ben.store.logAt(conversationId, next.seq);
    expect(JSON.parse(utf8ToText(row ?? new Uint8Array()) ?? "")).toMatchObject({
      content: { gap: false },
    });
    expect(textsOf(ben)).toEqual(["first", "next", "last", "kept back"]);
    expect(await ben.store.list("gaps")).toEqual([]);
  });

  test("[E49] no more so when what was missing comes right behind it", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const held: Extract<RelayFrame, { type: "message.new" }>[] = [];
    ben.socket.hears((frame) => {
      if (!isMessage(frame)) return [frame];
      held.push(frame);
      const [late, next] = held;
      if (late === undefined || next === undefined) return [];
      // The two change places, and come together.
      const { conversation_seq } = late;
      return [
        { ...late, conversation_seq: next.conversation_seq },
        { ...next, conversation_seq },
      ];
    });

    await say(ann, conversationId, "kept back");
    await say(ann, conversationId, "next");
    const next = await ben.text("next");
    await ben.text("kept back");

    expect(next.content).toMatchObject({ gap: true });
    const { entry } = await ben.until(
      (event): event is Extract<typeof event, { type: "mended" }> => event.type === "mended",
    );
    expect(entry).toEqual({ ...next, content: { ...next.content, gap: false } });
  });
});

describe("a relay that shows an older ledger", () => {
  const pathOf = (conversationId: ConversationId) => `/conversations/${conversationId}/ledger`;
  /** Answers for a conversation's ledger as it was when it had so many entries. */
  const rollBack = (conversationId: ConversationId, count: number, entries: readonly string[]) => {
    world.lies = (url) => {
      const { pathname, searchParams } = new globalThis.URL(url);
      if (pathname !== pathOf(conversationId)) return null;
      const rows = entries.slice(0, count).map((entry, ledger_seq) => ({
        ledger_seq,
        prev_hash: btoa("\0".repeat(32)),
        entry,
      }));
      const after = Number(searchParams.get("after") ?? -1);
      return JSON.stringify({ data: rows.slice(after + 1), next_cursor: null });
    };
  };
  const keptEntries = async (member: Member, conversationId: ConversationId) => {
    const record = utf8ToText(
      (await member.store.get("ledgers", conversationId)) ?? new Uint8Array(),
    );
    return (JSON.parse(record ?? "") as { entries: string[] }).entries;
  };

  test("[E48] sends nothing to who was removed, at the next start neither, and goes on when the whole is back", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const before = (await keptEntries(ann, conversationId)).length;
    const accountId = ben.endpoint.accountId;
    must(await ann.endpoint.changeMembers(conversationId, { type: "remove", accountId }));
    rollBack(conversationId, before, await keptEntries(ann, conversationId));
    const run = await ann.restart();

    const frozen = await say(run, conversationId, "without Ben");

    const failure = { kind: "peer/ledger-withheld", conversationId };
    expect(frozen.state).toEqual({ status: "failed", failure });
    expect(run.events).toContainEqual({
      type: "ledger-withheld",
      conversationId,
      isWithheld: true,
    });
    const state = await run.endpoint.ledger(conversationId);
    expect([...(state?.members.keys() ?? [])]).toEqual([ann.endpoint.accountId]);
    world.lies = () => null;
    expect(await run.endpoint.confirmLedger(conversationId)).toEqual({ ok: true, value: null });
    expect(run.events).toContainEqual({
      type: "ledger-withheld",
      conversationId,
      isWithheld: false,
    });
  });
});

describe("a relay that leaves keys away", () => {
  test("[E32] has an agent written to by its card's key only, and writer and reader are told", async () => {
    const person = await world.person();
    const agent = await world.agent();
    const conversationId = await world.meet(person, agent);
    const { accountId } = agent.endpoint;
    world.lies = (url) =>
      new globalThis.URL(url).pathname === `/keys/agents/${accountId}`
        ? JSON.stringify({
            data: {
              ...{ agent_id: accountId, public_key: "", signing_public_key: "" },
              ...{ card: null, prekeys: [] },
            },
          })
        : null;

    await say(person, conversationId, "by the long-lived key");
    const heard = await agent.text("by the long-lived key");

    expect(heard.content).toMatchObject({ suite: 1, mode: "session", reduced: true });
    expect((await person.text("by the long-lived key")).content).toEqual(heard.content);
  });

  test("[C19] or gives out some whose time is over has nothing sent to their owner", async () => {
    const later = { ...systemClock, now: () => systemClock.now() + 61 * 86_400_000 };
    const ann = await world.person({ clock: later });
    const ben = await world.person();
    const conversationId = await world.group(ann, [[ben, "human"]]);

    const sent = await say(ann, conversationId, "too late for these keys");

    const failure = { kind: "peer/no-prekey", accountId: ben.endpoint.accountId };
    expect(sent.state).toEqual({ status: "failed", failure });
    expect(textsOf(ben)).toEqual([]);
  });
});

describe("a relay that lies", () => {
  test("[E35] a message passed off as another's is not read", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    ben.socket.hears((frame) =>
      isMessage(frame) ? [{ ...frame, sender_id: ben.endpoint.accountId }] : [frame],
    );

    await say(ann, conversationId, "I am Ann");
    await ben.entry(({ content }) => content.kind === "unreadable");

    expect(failuresOf(ben)).toEqual(["malformed"]);
    expect(textsOf(ben)).toEqual(["first"]);
  });

  test("[E35] a message shown under another id, or in another conversation, is not read", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const elsewhere = await world.group(ann, [[ben, "human"]]);
    await say(ann, elsewhere, "there");
    const { seq } = await ben.text("there");
    const otherId = "01900000-0000-7000-8000-00000000000f" as MessageId;

    ben.socket.hears((frame) => (isMessage(frame) ? [{ ...frame, message_id: otherId }] : [frame]));
    await say(ann, conversationId, "not that one");
    const renamed = await ben.entry(({ content }) => content.kind === "unreadable");
    const moved = { conversation_id: elsewhere, conversation_seq: seq + 1 };
    ben.socket.hears((frame) => (isMessage(frame) ? [{ ...frame, ...moved }] : [frame]));
    await say(ann, conversationId, "said here");
    const strayed = await ben.entry(
      ({ content, conversationId: at }) => content.kind === "unreadable" && at === elsewhere,
    );

    expect(renamed).toMatchObject({ conversationId, content: { messageId: otherId } });
    expect([renamed.content, strayed.content]).toMatchObject([
      { failure: "malformed" },
      { failure: "malformed" },
    ]);
    expect(textsOf(ben)).toEqual(["first", "there"]);
  });

  test("[E35] an envelope with one bit flipped is unreadable, and the next one opens", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    let count = 0;
    ben.socket.hears((frame) => {
      if (!isMessage(frame) || frame.encrypted_payload === null || count++ > 0) return [frame];
      const text = frame.encrypted_payload;
      const middle = text.length - 200;
      const flipped = text[middle] === "A" ? "B" : "A";
      return [
        { ...frame, encrypted_payload: text.slice(0, middle) + flipped + text.slice(middle + 1) },
      ];
    });

    await say(ann, conversationId, "broken");
    await say(ann, conversationId, "whole");
    const whole = await ben.text("whole");

    expect(failuresOf(ben)).toEqual(["tag"]);
    expect(whole.content).toMatchObject({ gap: true });
  });

  test("[E36] a recall nobody signed is the server's, and the text stays on disk", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const sent = await say(ann, conversationId, "keep me");
    const { seq } = await ben.text("keep me");
    ben.socket.hears((frame) => {
      if (!isMessage(frame)) return [frame];
      const recalled_at = frame.created_at;
      const { conversation_id, conversation_seq, created_at } = frame;
      const place = { conversation_id, conversation_seq, created_at };
      return [
        {
          type: "message.recalled",
          ...place,
          message_id: sent.messageId,
          recalled_by: ann.endpoint.accountId,
          recalled_at,
        },
      ];
    });

    await say(ann, conversationId, "swallowed");
    const told = await ben.entry(({ content }) => content.kind === "recalled");

    expect(told.content).toEqual({ kind: "recalled", messageId: sent.messageId, by: "server" });
    const row = await ben.store.logAt(conversationId, seq);
    expect(utf8ToText(row ?? new Uint8Array())).toContain("keep me");
  });

  test("[E36] a recall in the name of the own device, which it did not ask for, empties nothing", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const sent = await say(ann, conversationId, "keep me");
    const { seq } = await ann.text("keep me");
    const { accountId, deviceId } = ann.endpoint;
    // One that it did ask for, whose name the relay uses again.
    const regret = await say(ann, conversationId, "regret");
    const asked: RelayFrame[] = [];
    ben.socket.hears((frame) => {
      if (frame.type === "message.recalled") asked.push(frame);
      return [frame];
    });
    must(await ann.endpoint.recall(conversationId, regret.messageId));
    await ben.entry(({ content }) => content.kind === "recalled");
    const [own] = asked;
    if (own?.type !== "message.recalled") throw new Error("a recall came");
    let count = 0;
    ann.socket.hears((frame) => {
      if (!isMessage(frame)) return [frame];
      const { conversation_id, conversation_seq, created_at } = frame;
      const forged = {
        ...{ type: "message.recalled", conversation_id, conversation_seq, created_at },
        message_id: sent.messageId,
        recalled_by: accountId,
        recalled_at: created_at,
        sender_device_id: deviceId,
        ...(count++ > 0 && { client_message_id: own.client_message_id }),
      };
      return [forged as RelayFrame];
    });

    for (const text of ["swallowed", "swallowed too"]) await say(ben, conversationId, text);
    const told = () =>
      entriesOf(ann).flatMap(({ content }) =>
        content.kind === "recalled" && content.messageId === sent.messageId ? content.by : [],
      );
    await expect.poll(told).toEqual(["server", "server"]);

    const row = await ann.store.logAt(conversationId, seq);
    expect(utf8ToText(row ?? new Uint8Array())).toContain("keep me");
  });

  test("[E36] its author's signed recall of another message empties nothing", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const sent = await say(ann, conversationId, "keep me");
    const { seq } = await ben.text("keep me");
    const regret = await say(ann, conversationId, "regret");
    ben.socket.hears((frame) =>
      frame.type === "message.recalled" ? [{ ...frame, message_id: sent.messageId }] : [frame],
    );

    must(await ann.endpoint.recall(conversationId, regret.messageId));
    const told = await ben.entry(({ content }) => content.kind === "recalled");

    expect(told.content).toEqual({ kind: "recalled", messageId: sent.messageId, by: "server" });
    const row = await ben.store.logAt(conversationId, seq);
    expect(utf8ToText(row ?? new Uint8Array())).toContain("keep me");
  });

  test("[E36] another member's signed recall, passed on by the relay, empties nothing", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const mallory = await world.person();
    must(
      await ann.endpoint.changeMembers(conversationId, {
        type: "add",
        accountId: mallory.endpoint.accountId,
        kind: "human",
      }),
    );
    const sent = await say(ann, conversationId, "keep me");
    const { seq } = await ben.text("keep me");
    await mallory.text("keep me");
    const said: EndpointFrame[] = [];
    const talker = await mallory.restart({
      openSocket(address) {
        const socket = new WebSocket(address, {
          origin: new globalThis.URL(address.replace(/^ws/, "http")).origin,
        });
        const send = socket.send.bind(socket);
        return Object.assign(socket as unknown as Socket, {
          send(text: string) {
            said.push(JSON.parse(text) as EndpointFrame);
            send(text);
          },
        });
      },
    });
    // The relay refuses what the author did not ask for; here it passes the signed request on all the same.
    expect((await talker.endpoint.recall(conversationId, sent.messageId)).ok).toBe(false);
    const recall = said.find((frame) => frame.type === "message.recall");
    if (recall?.type !== "message.recall") throw new Error("a recall left");
    ben.socket.hears((frame) => {
      if (!isMessage(frame)) return [frame];
      const { conversation_id, conversation_seq, created_at } = frame;
      const forged = {
        ...{ type: "message.recalled", conversation_id, conversation_seq, created_at },
        message_id: sent.messageId,
        recalled_by: talker.endpoint.accountId,
        recalled_at: created_at,
        client_message_id: recall.client_message_id,
        encrypted_payload: recall.encrypted_payload,
        session_open: recall.session_open,
      };
      return [forged as RelayFrame];
    });

    await say(ann, conversationId, "swallowed");
    const told = await ben.entry(({ content }) => content.kind === "recalled");

    expect(told.content).toEqual({ kind: "recalled", messageId: sent.messageId, by: "server" });
    const row = await ben.store.logAt(conversationId, seq);
    expect(utf8ToText(row ?? new Uint8Array())).toContain("keep me");
  });

  test("[E21] a member whose keys the relay replaces is blocked until the person decides", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const mallory = await world.person();
    const stolen = must(await mallory.endpoint.account(mallory.endpoint.accountId));
    const record = await mallory.store.get("accounts", mallory.endpoint.accountId);
    const forged = utf8ToText(record ?? new Uint8Array()) ?? "";
    expect(stolen.identityKey).not.toEqual(
      must(await ann.endpoint.account(ben.endpoint.accountId)).identityKey,
    );

    // A relay that now answers for Ben with a ledger that is not Ben's.
    world.lies = (url) =>
      url.includes(`/keys/ledger/${ben.endpoint.accountId}`)
        ? JSON.stringify({
            data: (JSON.parse(forged) as { entries: string[] }).entries.map(
              (entry, ledger_seq) => ({
                ledger_seq: ledger_seq + 2,
                prev_hash: btoa("\0".repeat(32)),
                entry,
              }),
            ),
            next_cursor: null,
          })
        : null;
    const refreshed = ann.until(
      (event): event is Extract<typeof event, { type: "identity-changed" }> =>
        event.type === "identity-changed",
    );
    let told = false;
    ann.socket.hears((frame) => {
      if (told) return [frame];
      told = true;
      return [
        frame,
        { type: "keys.updated", user_id: ben.endpoint.accountId as UserId, reason: "identity" },
      ];
    });
    await say(ben, conversationId, "hi");
    await refreshed;
    const sent = await say(ann, conversationId, "secret");

    expect(sent.state).toEqual({
      status: "failed",
      failure: { kind: "peer/key-changed", accountId: ben.endpoint.accountId },
    });
    must(await ann.endpoint.pin(ben.endpoint.accountId, null));
    must(await ann.endpoint.retry(sent.messageId));
    expect((await ann.endpoint.settled(sent.messageId)).state.status).toBe("acked");
  });

  test.each([
    ["put in its place", (rows: readonly object[]) => rows],
    ["cut short", () => []],
  ])("[E21] a ledger %s is no continuation, however long it is", async (_how, shorten) => {
    const { ann, ben } = await twoWhoTalk();
    const mallory = await world.person();
    const record = await mallory.store.get("accounts", mallory.endpoint.accountId);
    const { entries } = JSON.parse(utf8ToText(record ?? new Uint8Array()) ?? "") as {
      entries: string[];
    };
    const rows = shorten(
      entries.map((entry, ledger_seq) => ({
        ledger_seq,
        prev_hash: btoa("\0".repeat(32)),
        entry,
      })),
    );
    const changed = ann.until(
      (event): event is Extract<typeof event, { type: "identity-changed" }> =>
        event.type === "identity-changed",
    );
    world.lies = (url) => {
      if (!url.includes(`/keys/ledger/${ben.endpoint.accountId}`)) return null;
      const after = Number(new URL(url).searchParams.get("after") ?? -1);
      return JSON.stringify({ data: rows.slice(after + 1), next_cursor: null });
    };

    ann.socket.hears((frame) => [
      frame,
      { type: "keys.updated", user_id: ben.endpoint.accountId as UserId, reason: "identity" },
    ]);
    ann.socket.drop();

    expect((await changed).accountId).toBe(ben.endpoint.accountId);
  });

  test("[E22] a link's fingerprint that differs from the fetched key pins nothing", async () => {
    const ann = await world.person();
    const ben = await world.person();

    const pinned = await ann.endpoint.pin(ben.endpoint.accountId, new Uint8Array(32));

    expect(pinned).toEqual({
      ok: false,
      failure: { kind: "peer/key-changed", accountId: ben.endpoint.accountId },
    });
    expect(await ann.store.get("accounts", ben.endpoint.accountId)).toBeNull();
  });

  test("[E45] a log that is another one than before is read anew, and nothing is shown twice or lost", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    await say(ann, conversationId, "second");
    await ben.text("second");

    await world.changeEpoch();
    await ben.until(
      (event): event is Extract<typeof event, { type: "reset" }> => event.type === "reset",
    );
    await say(ann, conversationId, "third");
    await ben.text("third");

    const rows = await ben.store.logAfter(conversationId, 0, 100);
    const texts = rows.flatMap(
      ({ row }) => textOf(JSON.parse(utf8ToText(row) ?? "") as Entry) ?? [],
    );
    expect(texts).toEqual(["first", "second", "third"]);
  });

  test("[E45] a log that is another one than before is read anew also when nothing in it is new", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const sent = await say(ann, conversationId, "second");
    await ben.text("second");
    const { state } = sent;
    await ann.until(
      (event): event is Extract<typeof event, { type: "receipt" }> =>
        event.type === "receipt" && state.status === "acked" && event.seq >= state.seq,
    );

    await world.changeEpoch();
    await ben.until(
      (event): event is Extract<typeof event, { type: "reset" }> => event.type === "reset",
    );

    const texts = async () =>
      (await ben.store.logAfter(conversationId, 0, 100)).flatMap(
        ({ row }) => textOf(JSON.parse(utf8ToText(row) ?? "") as Entry) ?? [],
      );
    await expect.poll(texts).toEqual(["first", "second"]);
  });

  test("[E45] one conversation's log alone may be another one", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const elsewhere = await world.group(ann, [[ben, "human"]]);
    await say(ann, elsewhere, "there");
    await ben.text("there");
    await ben.endpoint.close(0);
    for (const at of [conversationId, elsewhere]) await say(ann, at, "later");

    const back = await ben.restart({
      openSocket: lineWith((frame) => {
        if (frame.type !== "resume.ok") return [frame];
        const conversations = frame.conversations.map((one) =>
          one.conversation_id === elsewhere ? { ...one, status: "reset" as const } : one,
        );
        return [{ ...frame, conversations }];
      }),
    });
    await back.until((event): event is typeof event => event.type === "reset");
    await back.entry((entry) => entry.conversationId === conversationId);

    const texts = async () =>
      (await ben.store.logAfter(elsewhere, 0, 100)).flatMap(
        ({ row }) => textOf(JSON.parse(utf8ToText(row) ?? "") as Entry) ?? [],
      );
    await expect.poll(texts).toEqual(["there", "later"]);
    const resets = back.events.flatMap((event) =>
      event.type === "reset" ? event.conversationId : [],
    );
    expect(resets).toEqual([elsewhere]);
  });

  test("[E45] a page that is asked for while the log is read anew hides nothing that comes later", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const pulled = new Promise((resolve) => {
      ben.endpoint.on((event) => {
        if (event.type === "reset")
          resolve(ben.endpoint.pullBefore(conversationId, Number.MAX_SAFE_INTEGER, 100));
      });
    });

    await world.changeEpoch();
    expect(await pulled).toMatchObject({ ok: true });
    await say(ann, conversationId, "later");

    await ben.text("later");
    const rows = await ben.store.logAfter(conversationId, 0, 100);
    const texts = rows.flatMap(
      ({ row }) => textOf(JSON.parse(utf8ToText(row) ?? "") as Entry) ?? [],
    );
    expect(texts).toEqual(["first", "later"]);
  });

  test("[E45] what was opened stands at its new places, and a repeat of it is one still", async () => {
    const [ann, ben] = [await world.person(), await world.person()];
    const conversationId = await world.group(ann, [[ben, "human"]]);
    await say(ann, conversationId, "first");
    const { state } = await say(ann, conversationId, "second");
    const { seq } = await ben.text("second");
    await ann.until(
      (event): event is Extract<typeof event, { type: "receipt" }> =>
        event.type === "receipt" && state.status === "acked" && event.seq >= state.seq,
    );
    const path = `/conversations/${conversationId}/messages`;
    const page = must(await ann.endpoint.rest.page(`${path}?after=0&limit=200`, v.unknown()));
    const rows = page.items as { conversation_seq: number }[];
    const swapped = { [seq - 1]: seq, [seq]: seq - 1 };
    const others = rows
      .map((row) => ({
        ...row,
        conversation_seq: swapped[row.conversation_seq] ?? row.conversation_seq,
      }))
      .toSorted((a, b) => a.conversation_seq - b.conversation_seq);
    world.lies = (url) =>
      new globalThis.URL(url).pathname === path
        ? JSON.stringify({ data: others, next_cursor: null })
        : null;
    const atReset: unknown[] = [];
    ben.endpoint.on((event) => {
      if (event.type === "reset")
        atReset.push(
          ben.store.get("ranges", conversationId),
          ben.store.list("seen"),
          ben.store.logAfter(conversationId, 0, 100),
        );
    });

    await world.changeEpoch();
    const kept = async () =>
      (await ben.store.logAfter(conversationId, 0, 100)).flatMap((one) => {
        const entry = JSON.parse(utf8ToText(one.row) ?? "") as Entry;
        return textOf(entry) === null ? [] : { at: one.seq, seq: entry.seq, text: textOf(entry) };
      });
    await expect.poll(kept).toEqual([
      { at: seq - 1, seq: seq - 1, text: "second" },
      { at: seq, seq, text: "first" },
    ]);
    // Before anything is read anew the disk knows no place: who dies here reads it all.
    expect(await Promise.all(atReset)).toEqual([null, [], []]);
    expect(await ben.store.list("salvage")).toEqual([]);
    world.lies = () => null;
    const again = rows.find((row) => row.conversation_seq === seq) as RelayFrame | undefined;
    ben.socket.hears((frame) =>
      isMessage(frame) && again !== undefined
        ? [
            { ...again, conversation_seq: frame.conversation_seq } as RelayFrame,
            { ...frame, conversation_seq: frame.conversation_seq + 1 },
          ]
        : [frame],
    );
    await say(ann, conversationId, "third");
    await ben.text("third");
    expect((await kept()).map(({ text }) => text)).toEqual(["second", "first", "third"]);
    expect(failuresOf(ben)).toEqual([]);
  });
});
