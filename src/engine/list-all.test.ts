import * as v from "valibot";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { err, ok } from "#base/result.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Rest } from "#peer/rest.ts";
import { listAll } from "./list-all.ts";

/** A relay with pages `a`, `b`, … of which it gives two in a row, and is then asked for no more for two seconds. */
function aPatientRelay(names: readonly string[], refusal: PeerFailure | null = null) {
  const clock = createFakeClock();
  const asked: string[] = [];
  let left = 2;
  const page = async (path: string) => {
    if (refusal !== null) return err(refusal);
    if (left === 0) {
      clock.after(2_000, () => (left = 2));
      return err({ kind: "peer/rate-limited", retryAfterMs: 2_000 });
    }
    left -= 1;
    asked.push(path);
    const at = names.indexOf(new URL(path, "http://relay").searchParams.get("cursor") ?? "a");
    return ok({ items: [names[at]], nextCursor: names[at + 1] ?? null });
  };
  return { clock, asked, rest: { page } as unknown as Rest };
}

test("[N157] a long list is read to its end, as slowly as the relay asks", async () => {
  const { clock, asked, rest } = aPatientRelay(["a", "b", "c", "d", "e"]);

  const listing = listAll({ rest, clock }, "/list?order=id", v.string());
  await clock.advance(1_999);
  expect(asked).toEqual(["/list?order=id&limit=200", "/list?order=id&limit=200&cursor=b"]);
  await clock.advance(4_000);

  expect(await listing).toEqual(ok(["a", "b", "c", "d", "e"]));
});

test("[N157] a list whose first page is refused fails as that page did", async () => {
  const failure = { kind: "peer/rate-limited", retryAfterMs: 2_000 } as const;
  const { clock, rest } = aPatientRelay(["a"], failure);

  expect(await listAll({ rest, clock }, "/list", v.string())).toEqual(err(failure));
});
