import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { base64ToBytes } from "#base/base64.ts";
import { systemClock, type Clock } from "#base/clock.ts";
import { verifyBeat, verifyClose } from "#crypto/control-records.ts";
import { HEARTBEAT_MS } from "#crypto/limits.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import type { EndpointEvent, Missing } from "./endpoint.ts";
import {
  must,
  primitives,
  startWorld,
  type Member,
  type World,
} from "./endpoint-world.contract.ts";

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.end());

type ControlFrame = Extract<RelayFrame, { type: "control" }>;
const isControl = (frame: RelayFrame): frame is ControlFrame => frame.type === "control";
const isMessage = (frame: RelayFrame) => frame.type === "message.new";

const say = async (member: Member, conversationId: ConversationId, text: string) => {
  const queued = must(await member.endpoint.send(conversationId, { type: "text", text }));
  return member.endpoint.settled(queued.messageId);
};

const isMissing = (event: EndpointEvent): event is Extract<EndpointEvent, { type: "missing" }> =>
  event.type === "missing";
const toldOf = (member: Member): readonly Missing[] =>
  member.events.filter(isMissing).map(({ missing }) => missing);
const controlIn = (member: Member) =>
  member.entry(({ content }) => content.kind === "other" && content.frameType === "control");

async function twoWhoTalk(clock?: Clock) {
  const ann = await world.person(clock === undefined ? {} : { clock });
  const ben = await world.person(clock === undefined ? {} : { clock });
  const conversationId = await world.group(ann, [[ben, "human"]]);
  await say(ann, conversationId, "first");
  await ben.text("first");
  return { ann, ben, conversationId };
}

/** What a relay does that cuts off the newest messages: they never come, and what follows takes their places. */
function cutOff(member: Member) {
  const held: RelayFrame[] = [];
  let isCutting = true;
  member.socket.hears((frame) => {
    if (isCutting && isMessage(frame)) {
      held.push(frame);
      return [];
    }
    return isControl(frame) && frame.conversation_seq !== undefined
      ? [{ ...frame, conversation_seq: frame.conversation_seq - held.length }]
      : [frame];
  });
  return {
    /** The next frame brings what was held back before it, behind everything that was shown. */
    giveBack(newest: number) {
      isCutting = false;
      const late = held.splice(0);
      member.socket.hears((frame) => {
        const given = late
          .splice(0)
          .map((one, at) => ({ ...one, conversation_seq: newest + at + 1 }));
        return [...(given as RelayFrame[]), frame];
      });
    },
  };
}

/** Real time, in which a test can leap; long timers run when the leap passes them. */
function leapingClock() {
  let leaptMs = 0;
  const timers = new Map<object, { readonly at: number; readonly task: () => void }>();
  const now = () => Date.now() + leaptMs;
  const clock: Clock = {
    now,
    after(delayMs, task) {
      if (delayMs < 4_000) return systemClock.after(delayMs, task);
      const key = {};
      timers.set(key, { at: now() + delayMs, task });
      return () => timers.delete(key);
    },
  };
  return {
    clock,
    leap(durationMs: number) {
      leaptMs += durationMs;
      for (const [key, { at, task }] of timers) {
        if (at > now()) continue;
        timers.delete(key);
        task();
      }
    },
  };
}

describe("the end of a session", () => {
  test("[E87] [C17] is signed into the log when its writer leaves, with as many as the relay has", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    await say(ann, conversationId, "second");
    await ben.text("second");
    const records: string[] = [];
    ben.socket.hears((frame) => {
      if (isControl(frame)) records.push(frame.record);
      return [frame];
    });

    await ann.endpoint.close(60_000);
    await controlIn(ben);

    const record = base64ToBytes(records[0] ?? "") ?? new Uint8Array();
    const close = must(await verifyClose(primitives, record, ann.device.publicKey));
    expect(close).toMatchObject({ conversationId, count: 2 });
    expect(toldOf(ben)).toEqual([]);
    expect(await ben.endpoint.missing(conversationId)).toEqual([]);
  });

  test("[E87] is signed when a change of members brings the next session", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const cleo = await world.person();
    const { accountId } = cleo.endpoint;
    must(
      await ann.endpoint.changeMembers(conversationId, { type: "add", accountId, kind: "human" }),
    );

    await say(ann, conversationId, "with Cleo");
    await ben.text("with Cleo");
    await controlIn(ben);
    await controlIn(ann);

    expect(toldOf(ben)).toEqual([]);
    // Cleo was not part of that session, and misses nothing.
    await cleo.text("with Cleo");
    await controlIn(cleo);
    await say(ann, conversationId, "end");
    await cleo.text("end");
    expect(toldOf(cleo)).toEqual([]);
  });

  test("[E87] is a lower bound where it is open whether the relay has a last one", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const theirs = await say(ben, conversationId, "theirs");
    await ann.text("theirs");
    const records: string[] = [];
    ben.socket.hears((frame) => {
      if (isControl(frame)) records.push(frame.record);
      return [frame];
    });

    // Sealed in the session, and not in the log: the relay does not let her take back what is not hers.
    expect((await ann.endpoint.recall(conversationId, theirs.messageId)).ok).toBe(false);
    await controlIn(ben);

    const record = base64ToBytes(records[0] ?? "") ?? new Uint8Array();
    expect((await verifyClose(primitives, record, ann.device.publicKey)).ok).toBe(false);
    const beat = must(await verifyBeat(primitives, record, ann.device.publicKey));
    expect(beat).toMatchObject({ conversationId, sessions: [{ count: 1 }] });
  });

  test("[E85] [E86] is said by the next run when a run ended without a word", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const cut = cutOff(ben);
    await say(ann, conversationId, "cut off");
    const { seq } = await ann.text("cut off");

    const again = await ann.restart();
    const { missing } = await ben.until(isMissing);

    expect(missing).toMatchObject({ authorId: ann.endpoint.accountId, count: 1 });
    cut.giveBack(seq);
    await say(again, conversationId, "end");
    const healed = await ben.until(
      (event): event is Extract<EndpointEvent, { type: "missing" }> =>
        isMissing(event) && event.missing.count === 0,
    );
    expect(healed.missing.sessionId).toBe(missing.sessionId);
    await ben.text("cut off");
    expect(await ben.endpoint.missing(conversationId)).toEqual([]);
  });

  test("[E86] shows messages that a relay cuts off before it", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    cutOff(ben);
    await say(ann, conversationId, "two");
    await say(ann, conversationId, "three");

    await ann.endpoint.close(60_000);
    const { missing } = await ben.until(isMissing);

    const word = await controlIn(ben);
    expect(missing).toMatchObject({
      authorId: ann.endpoint.accountId,
      count: 2,
      afterSeq: word.seq,
    });
    expect(await ben.endpoint.missing(conversationId)).toEqual([missing]);
  });

  test("[E86] a session of which nothing came is missing as a whole", async () => {
    const ann = await world.person();
    const ben = await world.person();
    const conversationId = await world.group(ann, [[ben, "human"]]);
    cutOff(ben);
    await say(ann, conversationId, "one");
    await say(ann, conversationId, "two");

    await ann.endpoint.close(60_000);

    expect((await ben.until(isMissing)).missing).toMatchObject({ count: 2 });
  });

  test("[E86] a message that cannot be read is not missing as well", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    ben.socket.hears((frame) => {
      if (frame.type !== "message.new" || frame.encrypted_payload === null) return [frame];
      const text = frame.encrypted_payload;
      const middle = text.length - 200;
      const flipped = text[middle] === "A" ? "B" : "A";
      const broken = text.slice(0, middle) + flipped + text.slice(middle + 1);
      return [{ ...frame, encrypted_payload: broken }];
    });
    await say(ann, conversationId, "broken");
    await ben.entry(({ content }) => content.kind === "unreadable");

    await ann.endpoint.close(60_000);
    await controlIn(ben);
    await say(ben, conversationId, "end");

    expect(toldOf(ben)).toEqual([]);
  });

  test("[E86] a word about another conversation says nothing here", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    const elsewhere = await world.group(ann, [[ben, "human"]]);
    await say(ann, elsewhere, "there");
    await ben.text("there");
    // The two words change places: each is signed, and stands in the wrong log. One names a message that is cut off.
    const words: ControlFrame[] = [];
    ben.socket.hears((frame) => {
      if (isMessage(frame)) return [];
      if (!isControl(frame)) return [frame];
      words.push(frame);
      const [one, other] = words;
      if (one === undefined || other === undefined) return [];
      const placed = words.map((word) => ({
        ...word,
        conversation_seq:
          (word.conversation_seq ?? 0) - (word.conversation_id === elsewhere ? 1 : 0),
      }));
      return placed.map((word, at) => ({ ...word, record: words[1 - at]?.record ?? "" }));
    });
    await say(ann, elsewhere, "cut off");

    await ann.endpoint.close(60_000);
    for (const at of [conversationId, elsewhere]) {
      await ben.entry(
        ({ content, conversationId: where }) => content.kind === "other" && where === at,
      );
      await say(ben, at, "end");
    }

    expect(words).toHaveLength(2);
    expect(toldOf(ben)).toEqual([]);
    for (const at of [conversationId, elsewhere])
      expect(await ben.endpoint.missing(at)).toEqual([]);
  });

  test("[E86] of one device the last eight are kept", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    let held = 0;
    ben.socket.hears((frame) => {
      if (isMessage(frame)) held += 1;
      if (isMessage(frame)) return [];
      return "conversation_seq" in frame && frame.conversation_seq !== undefined
        ? [{ ...frame, conversation_seq: frame.conversation_seq - held } as RelayFrame]
        : [frame];
    });
    for (let session = 0; session < 9; session++) {
      await say(ann, conversationId, "cut off");
      // A ledger entry begins the next one.
      const change = { type: "invite-policy", membersMayAdd: session % 2 === 0 } as const;
      must(await ann.endpoint.changeMembers(conversationId, change));
    }

    await ann.endpoint.close(60_000);
    const words = () =>
      ben.events.flatMap((event) =>
        event.type === "entry" &&
        event.entry.content.kind === "other" &&
        event.entry.content.frameType === "control"
          ? event.entry
          : [],
      );
    await expect.poll(() => words().length).toBe(9);
    // Asked behind what the newest of them has written.
    await say(ben, conversationId, "end");

    const kept = await ben.endpoint.missing(conversationId);
    expect(kept.map(({ afterSeq }) => afterSeq)).toEqual(
      words()
        .slice(1)
        .map(({ seq }) => seq),
    );
  });

  test("[E86] nothing is missing by a word that its author did not sign", async () => {
    const { ann, ben, conversationId } = await twoWhoTalk();
    await say(ben, conversationId, "mine");
    await ann.text("mine");
    ben.socket.hears((frame) =>
      isControl(frame) ? [{ ...frame, record: flipLast(frame.record) }] : [frame],
    );

    await ann.endpoint.close(60_000);
    await controlIn(ben);
    await say(ben, conversationId, "end");

    expect(toldOf(ben)).toEqual([]);
    expect(await ben.endpoint.missing(conversationId)).toEqual([]);
  });
});

describe("beats", () => {
  test("[E85] [E86] [C31] tell within a minute what a relay cut off, and less often the longer it is quiet", async () => {
    const { clock, leap } = leapingClock();
    const { ann, ben, conversationId } = await twoWhoTalk(clock);
    const beats: ControlFrame[] = [];
    const told: (() => void)[] = [];
    ben.socket.hears((frame) => {
      if (isMessage(frame)) return [];
      if (isControl(frame)) beats.push(frame);
      if (isControl(frame)) for (const look of told.splice(0)) look();
      return [frame];
    });
    const nextBeat = () => new Promise<void>((resolve) => told.push(resolve));
    await say(ann, conversationId, "cut off");

    const heard = nextBeat();
    leap(HEARTBEAT_MS.first);
    await heard;
    leap(5_000);
    const { missing } = await ben.until(isMissing);

    expect(missing).toMatchObject({ authorId: ann.endpoint.accountId, count: 1 });
    const record = base64ToBytes(beats[0]?.record ?? "") ?? new Uint8Array();
    const beat = must(await verifyBeat(primitives, record, ann.device.publicKey));
    expect(beat.sessions).toMatchObject([{ count: 2 }]);
    expect(beats[0]?.conversation_seq).toBeUndefined();
  });

  test("[E85] go a minute after the last message, then after twice the time each", async () => {
    const { clock, leap } = leapingClock();
    const { ann, ben, conversationId } = await twoWhoTalk(clock);
    let beats = 0;
    ben.socket.hears((frame) => {
      if (isControl(frame)) beats += 1;
      return [frame];
    });
    const typings = (member: Member) =>
      member.events.filter((event) => event.type === "typing" && event.typing).length;
    const minute = async () => {
      leap(60_000);
      // Both lines are alive: what was on its way is here.
      const before = [ann, ben].map(typings);
      ann.endpoint.typing(conversationId, true);
      ben.endpoint.typing(conversationId, true);
      await expect
        .poll(() => [ann, ben].every((one, at) => typings(one) > (before[at] ?? 0)))
        .toBe(true);
    };
    for (const beatsBy of [1, 1, 2, 2, 2, 2, 3, 3]) {
      await minute();
      await expect.poll(() => beats).toBe(beatsBy);
    }
  });

  test("[E86] one that overtakes a message waits for it", async () => {
    const { clock, leap } = leapingClock();
    const { ann, ben, conversationId } = await twoWhoTalk(clock);
    const held: RelayFrame[] = [];
    let isHolding = true;
    const heard = new Promise<void>((resolve) => {
      ben.socket.hears((frame) => {
        if (isMessage(frame) && isHolding) held.push(frame);
        if (isMessage(frame) && isHolding) return [];
        if (isControl(frame)) resolve();
        return [...(isHolding ? [] : held.splice(0)), frame];
      });
    });
    await say(ann, conversationId, "on its way");
    leap(HEARTBEAT_MS.first);
    await heard;
    ann.endpoint.typing(conversationId, true);
    await ben.until((event): event is EndpointEvent => event.type === "typing");
    await ben.endpoint.pullBefore(conversationId, 1, 1);

    isHolding = false;
    ann.endpoint.typing(conversationId, false);
    await ben.text("on its way");
    leap(5_000);
    await ben.endpoint.pullBefore(conversationId, 1, 1);

    expect(toldOf(ben)).toEqual([]);
  });

  test("[E86] an older one that the relay repeats takes nothing back", async () => {
    const { clock, leap } = leapingClock();
    const { ann, ben, conversationId } = await twoWhoTalk(clock);
    const beats: ControlFrame[] = [];
    const told: (() => void)[] = [];
    ben.socket.hears((frame) => {
      if (isControl(frame)) beats.push(frame);
      if (isControl(frame)) for (const look of told.splice(0)) look();
      return isMessage(frame) ? [] : [frame];
    });
    const beat = async () => {
      const heard = new Promise<void>((resolve) => told.push(resolve));
      leap(HEARTBEAT_MS.first);
      await heard;
      leap(5_000);
    };
    await beat();
    await say(ann, conversationId, "cut off");
    await beat();
    const { missing } = await ben.until(isMissing);
    const [older] = beats;
    if (older === undefined) throw new Error("a beat was heard");

    ben.socket.hears((frame) => [older, frame]);
    ann.endpoint.typing(conversationId, true);
    await ben.until((event): event is EndpointEvent => event.type === "typing");
    leap(5_000);
    // It stands behind what is made of the repeat.
    await ben.endpoint.pullBefore(conversationId, 1, 1);

    expect(missing).toMatchObject({ count: 1 });
    expect(await ben.endpoint.missing(conversationId)).toEqual([missing]);
  });
});

const flipLast = (text: string): string =>
  text.slice(0, 8) + (text[8] === "A" ? "B" : "A") + text.slice(9);
