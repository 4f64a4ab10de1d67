import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { anId } from "../relay-world.contract.ts";
import { Hints, type Place } from "./hints.ts";

function someHints() {
  const clock = createFakeClock();
  const said: Place[][] = [];
  const hints = new Hints(clock, (places) => void said.push(places));
  return { clock, said, hints };
}

test("[R43] a hint is said at once where it is quiet, and 20 a second at most where it is not", async () => {
  const { clock, said, hints } = someHints();
  const id = anId<ConversationId>();

  hints.add([id, 1, false]);
  expect(said).toEqual([[[id, 1, false]]]);
  for (let seq = 2; seq <= 1_000; seq++) {
    await clock.advance(1);
    hints.add([id, seq, false]);
  }
  expect(said).toHaveLength(20);
  await clock.advance(50);

  expect(said.slice(20)).toEqual([[[id, 1_000, false]]]);
  await clock.advance(1_000);
  hints.add([id, 1_001, false]);
  expect(said).toHaveLength(22);
});

test("[R43] hints that wait are told together: each conversation once, up to its last place, its members' change not forgotten", async () => {
  const { clock, said, hints } = someHints();
  const [one, two] = [anId<ConversationId>(), anId<ConversationId>()];
  hints.add([one, 1, false]);

  hints.add([one, 2, true]);
  hints.add([two, 7, false]);
  hints.add([one, 4, false]);
  hints.add([one, 3, false]);
  await clock.advance(50);

  expect(said.slice(1)).toEqual([
    [
      [one, 4, true],
      [two, 7, false],
    ],
  ]);
});
