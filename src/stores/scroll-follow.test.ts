import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import {
  AT_END_PX,
  FOLLOWING,
  reduceScroll,
  type ScrollFact,
  type ScrollFollow,
} from "./scroll-follow.ts";

const READING: ScrollFollow = { isFollowing: false, newBelow: 0 };
const ownGrowth: fc.Arbitrary<ScrollFact> = fc.oneof(
  fc.constant<ScrollFact>({ type: "content-grew" }),
  fc.record({
    type: fc.constant("rows-came" as const),
    count: fc.integer({ min: 1, max: 9 }),
    isOwn: fc.constant(false),
  }),
  fc.record({ type: fc.constant("position" as const), toEndPx: fc.nat(5_000) }),
);

describe("following the end", () => {
  test("[U53] whoever reads further up is never moved, whatever comes below", () => {
    fc.assert(
      fc.property(fc.array(ownGrowth, { maxLength: 60 }), (facts) => {
        let follow = READING;
        for (const fact of facts) {
          const step = reduceScroll(follow, fact);
          expect(step.move).toBe("stay");
          expect(step.follow.isFollowing).toBe(false);
          follow = step.follow;
        }
      }),
    );
  });

  test("at the end, everything that grows is followed", () => {
    fc.assert(
      fc.property(fc.array(ownGrowth, { maxLength: 60 }), (facts) => {
        let follow = FOLLOWING;
        for (const fact of facts) {
          const step = reduceScroll(follow, fact);
          expect(step.follow.isFollowing).toBe(true);
          expect(step.move).toBe(fact.type === "position" ? "stay" : "to-end");
          follow = step.follow;
        }
      }),
    );
  });

  test("[U54] any sign of reading further up ends following", () => {
    for (const direction of ["up", "none"] as const) {
      const step = reduceScroll(FOLLOWING, { type: "reader-moved", direction, toEndPx: 0 });
      expect(step).toEqual({ follow: READING, move: "stay" });
    }
  });

  test("moving down reaches the end again only at the end", () => {
    const above = reduceScroll(READING, {
      type: "reader-moved",
      direction: "down",
      toEndPx: AT_END_PX + 1,
    });
    const there = reduceScroll(READING, {
      type: "reader-moved",
      direction: "down",
      toEndPx: AT_END_PX,
    });

    expect(above.follow.isFollowing).toBe(false);
    expect(there.follow).toEqual(FOLLOWING);
  });

  test("[U55] rows below are counted until the reader is back at the end", () => {
    const facts: ScrollFact[] = [
      { type: "rows-came", count: 2, isOwn: false },
      { type: "content-grew" },
      { type: "rows-came", count: 1, isOwn: false },
    ];
    let follow = READING;
    for (const fact of facts) follow = reduceScroll(follow, fact).follow;

    expect(follow.newBelow).toBe(3);
    expect(reduceScroll(follow, { type: "went-to-end" })).toEqual({
      follow: FOLLOWING,
      move: "to-end",
    });
  });

  test("an own message leads to the end from anywhere", () => {
    const step = reduceScroll(READING, { type: "rows-came", count: 1, isOwn: true });

    expect(step).toEqual({ follow: FOLLOWING, move: "to-end" });
  });

  test("going to a message ends following", () => {
    expect(reduceScroll(FOLLOWING, { type: "went-to-message" }).follow.isFollowing).toBe(false);
  });
});
