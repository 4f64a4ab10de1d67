import { expect, test } from "vitest";
import { check, NONE } from "../world/checker.ts";

const KEPT = {
  acked: { ada: ["one", "two"], ben: ["three"] },
  read: { ada: ["one", "two", "three"], ben: ["one", "two"] },
  work: { asked: ["one"], done: ["one"] },
  places: { log: [1, 2, 3] },
};

test("a story in which every promise was kept leaves nothing to report", () => {
  expect(check("kept", KEPT)).toEqual(NONE);
});

test("what was lost, told twice, done twice, made up, turned round or left out is named", () => {
  const findings = check("broken", {
    acked: KEPT.acked,
    read: { ada: ["two", "one", "two", "five"], ben: ["one", "two"] },
    work: { asked: ["one", "two"], done: ["one", "one", "six"] },
    places: { log: [1, 3], other: [1, 2] },
  });

  expect(findings).toEqual({
    lost: ["ada: three", "the agent: two"],
    twice: ["ada: two", "the agent: one"],
    unasked: ["ada: five", "the agent: six"],
    outOfOrder: ["ada and ben"],
    holes: ["log: 1 3"],
  });
});
