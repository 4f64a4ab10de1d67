import { expect, test } from "vitest";
import { doubledDelayMs } from "./backoff.ts";

test("tries of a connection are twice as far apart each time, up to the longest pause, however many there were", () => {
  const delays = [0, 1, 2, 5, 6, 2_000].map((retries) => doubledDelayMs(retries, 50, 2_000));

  expect(delays).toEqual([50, 100, 200, 1_600, 2_000, 2_000]);
});
