import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { createResting, type PutAway } from "./resting.ts";

const id = (name: string) => name as ConversationId;

function aHouse(limit: number) {
  const clock = createFakeClock();
  const asked: string[] = [];
  const answers = new Map<string, PutAway>();
  const line = { isReady: true };
  let gone = 0;
  const resting = createResting({
    clock,
    limit,
    isReady: () => line.isReady,
    putAway: async (conversationId) => {
      asked.push(conversationId);
      return answers.get(conversationId) ?? "gone";
    },
    onGone: () => (gone += 1),
  });
  return {
    clock,
    asked,
    answers,
    line,
    resting,
    use: (names: string) => names.split(" ").forEach((name) => resting.use(id(name))),
    note: (name: string) => resting.note(id(name)),
    rounds: () => gone,
  };
}

describe("conversations beyond the number that stay in memory", () => {
  test("[E96] leave in the order of their last use, and no more than there are too many", async () => {
    const { use, clock, asked, rounds } = aHouse(2);

    use("a b c a");
    await clock.advance(10_000);

    expect(asked).toEqual(["b"]);
    expect(rounds()).toBe(1);
  });

  test("[E96] all stay while there are not too many, and where no number is given", async () => {
    const few = aHouse(3);
    const all = aHouse(Infinity);

    few.use("a b c");
    all.use("a b c d e");
    await few.clock.advance(10_000);
    await all.clock.advance(10_000);

    expect([few.asked, all.asked]).toEqual([[], []]);
  });

  test("[E96] begin to leave two at a time, or a quarter of what is too many", async () => {
    const { use, clock, asked } = aHouse(2);
    use(Array.from({ length: 22 }, (_, i) => `c${i}`).join(" "));

    const perRound: number[] = [];
    for (let before = 0; perRound.length < 8; before = asked.length) {
      await clock.advance(1_000);
      perRound.push(asked.length - before);
    }

    expect(perRound).toEqual([5, 4, 3, 2, 2, 2, 2, 0]);
  });

  test("[E97] what is busy is passed over, and leaves in a later round", async () => {
    const { use, clock, asked, answers } = aHouse(1);
    answers.set("a", "busy");

    use("a b");
    await clock.advance(1_000);
    expect(asked).toEqual(["a", "b"]);
    answers.delete("a");
    use("c");
    await clock.advance(1_000);

    expect(asked).toEqual(["a", "b", "a"]);
  });

  test("[E97] one whose end is being said is asked again, whatever is heard of it, and no other leaves for it", async () => {
    const { use, note, clock, asked, answers } = aHouse(1);
    answers.set("a", "leaving");

    use("a b");
    await clock.advance(1_000);
    note("a");
    await clock.advance(1_000);
    answers.set("a", "busy");
    note("a");
    await clock.advance(1_000);
    answers.delete("a");
    await clock.advance(5_000);

    expect(asked).toEqual(["a", "a", "a", "a"]);
  });

  test("[E97] one whose end is being said stays when it is used, and another leaves", async () => {
    const { use, clock, asked, answers } = aHouse(2);
    answers.set("a", "leaving");

    use("a b c");
    await clock.advance(1_000);
    use("a");
    await clock.advance(5_000);

    expect(asked).toEqual(["a", "b"]);
  });

  test("[E96] one that was only heard of leaves before those that were used", async () => {
    const { use, note, clock, asked } = aHouse(2);

    use("a b");
    note("c");
    note("b");
    await clock.advance(5_000);

    expect(asked).toEqual(["c"]);
  });

  test("[E96] none leaves without a line, nor after the end", async () => {
    const { use, clock, asked, line, resting } = aHouse(1);
    line.isReady = false;
    use("a b");
    await clock.advance(5_000);
    expect(asked).toEqual([]);

    line.isReady = true;
    resting.close();
    await clock.advance(5_000);

    expect(asked).toEqual([]);
  });
});
