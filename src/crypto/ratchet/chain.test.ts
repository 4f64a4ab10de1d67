import { beforeAll, expect, test } from "vitest";
import { fc } from "#base/properties.contract.ts";
import { Secret } from "#base/secret.ts";
import { MAX_SKIP, SKIPPED_TTL_MS } from "../limits.ts";
import { createWorld, must, type World } from "../vectors/people.ts";
import { rootChainKey } from "./chain-key.ts";
import { type ReceiverChain, takeMessageKey } from "./receiver-chain.ts";
import { advanceSender, type SenderChain } from "./sender-chain.ts";

let world: World;
let root: Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  world = await createWorld(8);
  root = rootChainKey(world.primitives, world.random(32), world.random(32));
});

const sender = (): SenderChain => ({ index: 0, key: new Secret(root.slice()) });
const receiver = (): ReceiverChain => ({ next: 0, key: new Secret(root.slice()), skipped: [] });

function keysOf(count: number) {
  const keys: Uint8Array[] = [];
  let chain = sender();
  for (let i = 0; i < count; i++) {
    const step = advanceSender(world.primitives, chain);
    keys.push(step.messageKey);
    ({ chain } = step);
  }
  return keys;
}

test("[C15] a sender's chain gives another key at each step", () => {
  const keys = keysOf(64).map((key) => key.join());
  expect(new Set(keys).size).toBe(64);
});

test("[C16] a receiver finds each key once, in any order", () => {
  const keys = keysOf(20);
  const orders = fc.shuffledSubarray([...keys.keys()], { minLength: 20 });
  fc.assert(
    fc.property(orders, (order) => {
      let chain = receiver();
      for (const index of order) {
        const taken = must(takeMessageKey(world.primitives, chain, index, 0));
        expect(taken.messageKey).toEqual(keys[index]);
        ({ chain } = taken);
      }
      for (const index of order) {
        expect(takeMessageKey(world.primitives, chain, index, 0)).toEqual({
          ok: false,
          failure: "replay",
        });
      }
      expect(chain.skipped).toEqual([]);
    }),
    { numRuns: 20 },
  );
});

test("[C16] a receiver steps over no more than its cap, kept keys counted", () => {
  const tooFar = takeMessageKey(world.primitives, receiver(), MAX_SKIP + 1, 0);
  expect(tooFar).toEqual({ ok: false, failure: "too-many-skipped" });
  const { chain } = must(takeMessageKey(world.primitives, receiver(), MAX_SKIP, 0));
  expect(chain.skipped.length).toBe(MAX_SKIP);
  const further = (now: number) => takeMessageKey(world.primitives, chain, MAX_SKIP + 2, now);
  expect(further(1)).toEqual({ ok: false, failure: "too-many-skipped" });
  expect(must(further(SKIPPED_TTL_MS)).chain.skipped.length).toBe(1);
});

test("[C25] taking a key leaves the chain it was taken from as it was", () => {
  const chain = must(takeMessageKey(world.primitives, receiver(), 5, 0)).chain;
  const before = [chain.next, chain.key.reveal().slice(), chain.skipped.length];
  must(takeMessageKey(world.primitives, chain, 3, 0));
  must(takeMessageKey(world.primitives, chain, 9, 0));
  expect([chain.next, chain.key.reveal(), chain.skipped.length]).toEqual(before);
});
