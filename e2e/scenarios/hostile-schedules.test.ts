import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import * as v from "valibot";
import { createSeededRandom } from "../../src/base/seeded-random.ts";
import { primitives, startWorld } from "../../src/peer/endpoint-world.contract.ts";
import { tell } from "../world/checker.ts";
import { ALL_WELL, play, setStage, stepsOf, type Stage } from "../world/hostile-play.ts";
import { below } from "../world/hostile-schedule.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { computedQuickly } from "../world/quick-primitives.ts";
import { launchOver } from "../world/relay-in-memory.ts";
import { createWire } from "../world/wire.ts";

const OVER_THE_NETWORK = rounds(6, 1_000);
const IN_ONE_PROCESS = rounds(1_000, 10_000);
/** Seeds of one relay: what a relay gathers over many conversations is part of the story. */
const PER_RELAY = 10;
/** After which a schedule is said to hang; it takes a second or two. */
const HANGS_AFTER_MS = 300_000;

/** Seeds to be tried again, as a failure names them: `SCHEDULE_SEED=17,17,18 npx vitest run …`. */
const asked = process.env["SCHEDULE_SEED"]?.split(",").map(Number);
const seedsUpTo = (count: number): readonly number[] =>
  asked ?? Array.from({ length: count }, (_, i) => i + 1);

/** Over the network: sockets, HTTP, a disk that is waited for, and primitives as the endpoints have them. */
async function networkStage(): Promise<Stage> {
  const ask = v.unknown();
  return setStage(await startWorld(), async ({ endpoint }) => {
    await endpoint.rest.call("GET", "/conversations", ask);
  });
}

/** The same programs in one process, where the seed draws, too, in which order what is on its way arrives. */
async function memoryStage(seed: number): Promise<Stage> {
  const wire = createWire(createSeededRandom(seed));
  const world = await startWorld(
    // Nobody listens on it: it only stands in addresses.
    { port: 1 },
    {
      launch: launchOver(wire),
      primitives: computedQuickly(primitives),
      // Where there is a disk in memory: what is waited for here is no disk.
      under: existsSync("/dev/shm") ? "/dev/shm" : tmpdir(),
    },
  );
  await wire.turn();
  return setStage(world, () => wire.pause());
}

/** Plays all seeds, some on each stage; fails with the name of the first that did not end well. */
async function playAll(
  seeds: readonly number[],
  stageFor: (seed: number) => Promise<Stage>,
): Promise<void> {
  const sums: Record<string, number> = {};
  for (let from = 0; from < seeds.length; from += PER_RELAY) {
    const some = seeds.slice(from, from + PER_RELAY);
    const stage = await stageFor(some[0] ?? 0);
    for (const seed of some) {
      const { findings, figures } = await orNamed(seed, play(stage, seed));
      expect({ seed, ...findings }).toEqual({ seed, ...ALL_WELL });
      for (const [name, count] of Object.entries(figures)) sums[name] = (sums[name] ?? 0) + count;
    }
    await stage.world.end();
  }
  tell(`${seeds.length} schedules`, sums);
}

/** Fails with the seed's name when the schedule does not come to its end. */
async function orNamed<Value>(seed: number, playing: Promise<Value>): Promise<Value> {
  let stop = (): void => {};
  const hung = new Promise<never>((_, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`schedule ${seed} hangs: SCHEDULE_SEED=${seed} plays it again`)),
      HANGS_AFTER_MS,
    );
    stop = () => clearTimeout(timer);
  });
  try {
    return await Promise.race([playing, hung]);
  } finally {
    stop();
  }
}

test("a seed draws the same schedule each time, another seed another one", () => {
  expect(stepsOf(7)).toEqual(stepsOf(7));
  expect(stepsOf(7)).not.toEqual(stepsOf(8));
  expect(below(createSeededRandom(1), 1)).toBe(0);
});

test("what OpenSSL computes is what the primitives compute", async () => {
  const openssl = computedQuickly(primitives);
  const seed = primitives.randomBytes(32);
  const { publicKey } = primitives.xwingKeygen(seed);
  const [message, otherMessage] = [primitives.randomBytes(100), primitives.randomBytes(100)];
  const verifyingKey = primitives.ed25519PublicKey(seed);

  const [sealed, theirs] = [openssl, primitives].map((own) => own.xwingEncapsulate(publicKey));
  const signature = await openssl.ed25519Sign(seed, message);

  for (const one of [sealed, theirs]) {
    const enc = one?.enc ?? new Uint8Array();
    expect(openssl.xwingDecapsulate(seed, enc)).toEqual(one?.sharedSecret);
    expect(primitives.xwingDecapsulate(seed, enc)).toEqual(one?.sharedSecret);
  }
  expect(openssl.xwingEncapsulate(publicKey.slice(1))).toBeNull();
  expect(signature).toEqual(await primitives.ed25519Sign(seed, message));
  expect(await openssl.ed25519Verify(verifyingKey, message, signature)).toBe(true);
  expect(await openssl.ed25519Verify(verifyingKey, otherMessage, signature)).toBe(false);
});

test("what OpenSSL hashes and seals is what the primitives hash and seal, and what was changed neither opens", async () => {
  const openssl = computedQuickly(primitives);
  const { randomBytes } = primitives;
  const [key, nonce, aad] = [randomBytes(32), randomBytes(12), randomBytes(20)];
  for (const size of [0, 1, 16, 100, 5_000]) {
    const message = randomBytes(size);
    const [quick, own] = await Promise.all(
      [openssl, primitives].map(async (by) => ({
        hashes: [by.sha256(message), by.hmacSha256(key, message), by.hkdfExtract(key, message)],
        expanded: [0, 1, 32, 33, 64, 100].map((bytes) => by.hkdfExpand(key, message, bytes)),
        chacha: by.chachaSeal(key, nonce, aad, message),
        aes: await by.aesGcmSeal(key, nonce, aad, message),
      })),
    );
    expect(quick).toEqual(own);
    for (const by of [openssl, primitives]) {
      const [chacha, aes] = [own?.chacha ?? aad, own?.aes ?? aad];
      const imported = await by.importAesGcm(key);
      expect(by.chachaOpen(key, nonce, aad, chacha)).toEqual(message);
      expect(await by.aesGcmOpen(key, nonce, aad, aes)).toEqual(message);
      expect(await imported.open(nonce, aad, aes)).toEqual(message);
      expect(await imported.seal(nonce, aad, message)).toEqual(aes);
      for (const wrong of [chacha.slice(1), flipped(chacha)])
        expect(by.chachaOpen(key, nonce, aad, wrong)).toBeNull();
      for (const wrong of [aes.slice(1), flipped(aes)])
        expect(await by.aesGcmOpen(key, nonce, aad, wrong)).toBeNull();
    }
  }
});

/** The last bit of the tag the other way round. */
const flipped = (sealed: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(sealed, (byte, at) => (at === sealed.length - 1 ? byte ^ 1 : byte));

const OVER_THE_NETWORK_SEEDS = seedsUpTo(OVER_THE_NETWORK);
test(
  `[E40] [E43] [E60] [E63] [S13] over ${OVER_THE_NETWORK_SEEDS.length} drawn schedules of cuts, restarts, repeats, losses and reordering everything said is read and done once, in one order`,
  timeoutMs(900_000, 7_200_000),
  () => playAll(OVER_THE_NETWORK_SEEDS, networkStage),
);

const IN_ONE_PROCESS_SEEDS = seedsUpTo(IN_ONE_PROCESS);
test(
  `[E40] [E43] [E60] [E63] [S13] so it is over ${IN_ONE_PROCESS_SEEDS.length} schedules in one process, where what is on its way arrives in a drawn order, too`,
  timeoutMs(3_000_000, 7_200_000),
  () => playAll(IN_ONE_PROCESS_SEEDS, memoryStage),
);
