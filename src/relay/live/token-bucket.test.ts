import { expect, test } from "vitest";
import { createBuckets } from "./token-bucket.ts";

test("however many come at once, each costs a bounded share of looking for what can be forgotten", () => {
  let looks = 0;
  const buckets = createBuckets(() => {
    looks += 1;
    return 0;
  });
  const count = 50_000;

  for (let i = 0; i < count; i++) buckets.take(`address ${i}`, { perSecond: 1, burst: 5 });

  expect(looks / count).toBeLessThan(6);
});

test("a bucket that is full again is as good as one that was forgotten, and an empty one is kept", () => {
  let now = 0;
  const buckets = createBuckets(() => now);
  const rate = { perSecond: 0.001, burst: 1 };
  const quick = { perSecond: 1_000, burst: 1 };

  buckets.take("slow", rate);
  now = 10;
  for (let i = 0; i < 5_000; i++) buckets.take(`quick ${i}`, quick);

  expect(buckets.take("slow", rate)).toBeGreaterThan(0);
  now = 20;
  expect(buckets.take("quick 0", quick)).toBe(0);
});
