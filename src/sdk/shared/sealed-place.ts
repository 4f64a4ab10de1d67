/** Claims and private records on a shared server, sealed under a key that only the agent's processes have. */
import { backoffDelayMs } from "#base/backoff.ts";
import type { Clock } from "#base/clock.ts";
import type { RandomBytes } from "#base/random.ts";
import { LABEL } from "#crypto/labels.ts";
import type { Primitives } from "#crypto/primitives.ts";
import { createVault, type Vault } from "#crypto/vault.ts";
import { enc } from "#protocol/encoding.ts";
import type { Claim, DedupeStore } from "../local/dedupe-store.ts";
import type { VaultFolder } from "../local/vault-folder.ts";
import type { RawKeys } from "../options.ts";
import type { SharedPlace } from "./shared-place.ts";

/** The seal of an agent's shared records: whoever has its long-lived key has it too. */
export const sharedSeal = (primitives: Primitives, keys: RawKeys): Vault =>
  createVault(
    primitives,
    primitives.hkdfExpand(keys.privateKey.reveal(), enc(LABEL.sharedPlace), 32),
  );

const placeOfClaim = ({ conversationId, key }: Claim) => ({
  store: "claim",
  key: `${conversationId} ${key}`,
  version: 0,
});
const placeOfRecord = (name: string) => ({ store: "record", key: name, version: 0 });

/** Creates the dedupe store of all processes. What does not open has no work: it was not ours. */
export const createSharedDedupe = (place: SharedPlace, seal: Vault): DedupeStore => ({
  reach: "shared",
  claim: async (claim) => {
    const work = claim.work && (await seal.seal(placeOfClaim(claim), claim.work));
    return place.claim({ ...claim, work });
  },
  finish: (claim) => place.finish({ ...claim, work: null }),
  takeOver: async () => {
    const taken = await place.takeOver();
    return Promise.all(
      taken.map(async (claim) => ({
        ...claim,
        work: claim.work && (await seal.open(placeOfClaim(claim), claim.work)),
      })),
    );
  },
  // Who opened the place closes it.
  close: async () => {},
});

/** Creates the vault of all processes. */
export function createSharedVault(
  place: SharedPlace,
  seal: Vault,
  { clock, random }: { readonly clock: Clock; readonly random: RandomBytes },
): VaultFolder {
  const under = async <Value>(
    release: () => Promise<void>,
    task: () => Promise<Value>,
  ): Promise<Value> => {
    try {
      return await task();
    } finally {
      await release();
    }
  };
  return {
    folder: null,
    read: async (name) => {
      const sealed = await place.read(name);
      return sealed && seal.open(placeOfRecord(name), sealed);
    },
    write: async (name, value) => place.write(name, await seal.seal(placeOfRecord(name), value)),
    remove: (name) => place.remove(name),
    list: (prefix) => place.list(prefix),
    async exclusively(task) {
      for (let tries = 0; ; tries++) {
        const release = await place.tryLock();
        if (release !== null) return under(release, task);
        await new Promise<void>((resolve) => {
          clock.after(Math.min(250, backoffDelayMs(tries, random) / 20), resolve);
        });
      }
    },
    async exclusivelyNow(task) {
      const release = await place.tryLock();
      return release && under(release, task);
    },
  };
}
