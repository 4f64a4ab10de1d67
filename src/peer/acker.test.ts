import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { createAcker } from "./acker.ts";

const A = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const B = "01900000-0000-7000-8000-00000000000b" as ConversationId;

function anAcker() {
  const clock = createFakeClock();
  const acked: number[] = [];
  const ackedOf = new Map<ConversationId, number[]>([
    [A, []],
    [B, []],
  ]);
  let isOnline = true;
  const acker = createAcker({
    clock,
    send(conversationId, seq) {
      if (isOnline) acked.push(seq);
      if (isOnline) ackedOf.get(conversationId)?.push(seq);
      return isOnline;
    },
  });
  return { clock, acked, ackedOf, acker, cut: (isCut: boolean) => (isOnline = !isCut) };
}

describe("acknowledging", () => {
  test("[E42] entries are acked together within a second", async () => {
    const { acker, acked, clock } = anAcker();

    for (let seq = 1; seq <= 10; seq++) acker.stored(A, seq);
    expect(acked).toEqual([]);
    await clock.advance(1_000);

    expect(acked).toEqual([10]);
  });

  test("[E42] the 32nd entry is not waited for", () => {
    const { acker, acked } = anAcker();

    for (let seq = 1; seq <= 70; seq++) acker.stored(A, seq);

    expect(acked).toEqual([32, 64]);
  });

  test("[E41] with a caller that acknowledges, nothing it still works on is acked", async () => {
    const { acker, acked, clock } = anAcker();
    acker.told(A, 2);
    acker.told(A, 4);
    acker.stored(A, 5);
    await clock.advance(1_000);
    acker.dealtWith(A, 2);
    await clock.advance(1_000);
    acker.dealtWith(A, 4);
    await clock.advance(1_000);

    expect(acked).toEqual([1, 3, 5]);
  });

  test("[E42] what was acked on one line is acked again on the next, and on that one once", async () => {
    const { acker, acked, clock } = anAcker();
    acker.stored(A, 3);
    await clock.advance(1_000);
    acker.stored(A, 3);
    await clock.advance(1_000);
    acker.restart(null);
    acker.stored(A, 3);
    await clock.advance(1_000);

    expect(acked).toEqual([3, 3]);
  });

  test("[E42] an ack that could not leave goes with the next line", async () => {
    const { acker, acked, clock, cut } = anAcker();
    cut(true);
    acker.stored(A, 3);
    await clock.advance(1_000);
    cut(false);
    acker.restart(null);
    acker.stored(A, 3);
    await clock.advance(1_000);

    expect(acked).toEqual([3]);
  });

  test("[E45] where a conversation's log is another one, its entries are acked from its first again, and no other's", async () => {
    const { acker, ackedOf, clock } = anAcker();
    acker.told(A, 9);
    for (const one of [A, B]) acker.stored(one, 8);
    await clock.advance(1_000);

    acker.restart(A);
    acker.stored(A, 2);
    acker.stored(B, 8);
    await clock.advance(1_000);
    acker.stored(A, 9);
    await clock.advance(1_000);

    // What was told of the old log holds nothing of the new one back.
    expect([...ackedOf.values()]).toEqual([[8, 2, 9], [8]]);
  });
});
