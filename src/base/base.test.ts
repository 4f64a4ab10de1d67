import { inspect } from "node:util";
import { fc } from "./properties.contract.ts";
import { describe, expect, test } from "vitest";
import { backoffDelayMs } from "./backoff.ts";
import {
  bytesToHex,
  compareBytes,
  concat,
  equalBytes,
  hexToBytes,
  utf8,
  utf8ToText,
  wipe,
} from "./bytes.ts";
import { createDisposer } from "./disposer.ts";
import { createEmitter } from "./emitter.ts";
import { createFakeClock } from "./fake-clock.ts";
import { assert, BugError, unreachable } from "./invariant.ts";
import { createKeyedQueue } from "./queue.ts";
import { err, ok } from "./result.ts";
import { Secret } from "./secret.ts";
import { createSeededRandom } from "./seeded-random.ts";

describe("bytes", () => {
  test("are joined, compared and written as hex", () => {
    const joined = concat(utf8("a"), new Uint8Array(), utf8("bc"));

    expect(utf8ToText(joined)).toBe("abc");
    expect(equalBytes(joined, utf8("abc"))).toBe(true);
    expect(equalBytes(joined, utf8("abd"))).toBe(false);
    expect(equalBytes(joined, utf8("ab"))).toBe(false);
    expect(bytesToHex(joined)).toBe("616263");
    expect(hexToBytes("616263")).toEqual(joined);
    expect([hexToBytes("6"), hexToBytes("zz")]).toEqual([null, null]);
  });

  test("sort as their hex text does", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5 }), fc.uint8Array({ maxLength: 5 }), (a, b) => {
        const byText = bytesToHex(a) < bytesToHex(b) ? -1 : bytesToHex(a) > bytesToHex(b) ? 1 : 0;
        expect(Math.sign(compareBytes(a, b))).toBe(byText);
      }),
    );
  });

  test("that are not UTF-8 have no text", () => {
    expect(utf8ToText(Uint8Array.of(0xff))).toBeNull();
  });

  test("are zeros after a wipe", () => {
    const key = Uint8Array.of(1, 2, 3);

    wipe(key);

    expect(key).toEqual(Uint8Array.of(0, 0, 0));
  });
});

test("a secret prints as «secret» and opens only by its own name", () => {
  const secret = new Secret("key material");

  expect(`${String(secret)} ${JSON.stringify({ secret })} ${inspect(secret)}`).not.toContain(
    "key material",
  );
  expect(secret.reveal()).toBe("key material");
});

test("results say which they are", () => {
  expect([ok(1), err("no")]).toEqual([
    { ok: true, value: 1 },
    { ok: false, failure: "no" },
  ]);
});

test("bugs are thrown, never returned", () => {
  expect(() => assert(false, "must hold")).toThrow(BugError);
  expect(() => unreachable("x" as never)).toThrow(BugError);
});

test("an emitter stops telling a listener that was removed, also in mid-telling", () => {
  const emitter = createEmitter<number>();
  const heard: string[] = [];
  const offSecond = { call: (): void => undefined };
  emitter.on((value) => {
    heard.push(`first ${value}`);
    offSecond.call();
  });
  offSecond.call = emitter.on((value) => heard.push(`second ${value}`));

  emitter.emit(1);

  expect(heard).toEqual(["first 1"]);
});

test("a disposer runs clean-ups once, last first, and late ones at once", () => {
  const disposer = createDisposer();
  const ran: number[] = [];
  disposer.add(() => ran.push(1));
  disposer.add(() => ran.push(2));

  disposer.dispose();
  disposer.dispose();
  disposer.add(() => ran.push(3));

  expect(ran).toEqual([2, 1, 3]);
});

test("a keyed queue keeps order within a key, a failure does not stop the next, and it says who is at work", async () => {
  const queue = createKeyedQueue();
  const ran: string[] = [];
  const gate = Promise.withResolvers<null>();

  const first = queue.run("a", async () => {
    await gate.promise;
    ran.push("a1");
    throw new Error("a1 failed");
  });
  const second = queue.run("a", async () => ran.push("a2"));
  await queue.run("b", async () => ran.push("b1"));
  expect([queue.isBusy("a"), queue.isBusy("c")]).toEqual([true, false]);
  gate.resolve(null);

  await expect(first).rejects.toThrow("a1 failed");
  await second;
  expect(ran).toEqual(["b1", "a1", "a2"]);
  await expect.poll(() => queue.isBusy("a")).toBe(false);
});

test("back-off doubles to thirty seconds and never goes under half", () => {
  const random = createSeededRandom(1);
  const ceilings = [1, 2, 4, 8, 16, 30, 30].map((seconds) => seconds * 1_000);

  const delays = ceilings.map((_, tries) => backoffDelayMs(tries, random));

  expect(
    delays.every(
      (delay, tries) => delay >= (ceilings[tries] ?? 0) / 2 && delay <= (ceilings[tries] ?? 0),
    ),
  ).toBe(true);
});

test("a fake clock runs due timers in order and no others", async () => {
  const clock = createFakeClock(0);
  const ran: string[] = [];
  clock.after(20, () => ran.push(`late at ${clock.now()}`));
  clock.after(10, () => clock.after(5, () => ran.push(`nested at ${clock.now()}`)));
  const cancel = clock.after(1, () => ran.push("cancelled"));
  cancel();

  await clock.advance(15);

  expect(ran).toEqual(["nested at 15"]);
});
