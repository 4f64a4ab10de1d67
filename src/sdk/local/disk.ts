/** What an agent keeps between runs: its keys, its store, what it has taken on. In memory where it may not write. */
import { join } from "node:path";
import { bytesToHex } from "#base/bytes.ts";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { KeyVault } from "#peer/key-vault.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import type { Store } from "#peer/store.ts";
import type { RawKeys, SettledOptions } from "../options.ts";
import { HasheeError } from "../agent-error.ts";
import { createSharedDedupe, createSharedVault, sharedSeal } from "../shared/sealed-place.ts";
import {
  isSharedAddress,
  LEASE_MS,
  openSharedPlace,
  type SharedPlace,
} from "../shared/shared-place.ts";
import { createAgentNotes, type AgentNotes } from "./agent-notes.ts";
import { openDedupeStore, type DedupeStore } from "./dedupe-store.ts";
import { openFileStore } from "./file-store.ts";
import { createFolderKeyVault } from "./key-vault.ts";
import { settleKeys } from "./settle-keys.ts";
import { createMemoryVaultFolder, openVaultFolder, type VaultFolder } from "./vault-folder.ts";

export type Disk = {
  readonly keys: RawKeys;
  /** Null where prekeys would end with the process. */
  readonly vault: KeyVault | null;
  readonly store: Store;
  readonly dedupe: DedupeStore;
  readonly notes: AgentNotes;
  close(): Promise<void>;
};

/** One store file per process of a host; a relay gives an agent no more sockets than these. */
const STORE_FILES = 3;

/** Opens or makes everything, and the agent's keys with it. */
export async function openDisk(options: SettledOptions, primitives: Primitives): Promise<Disk> {
  const places: SharedPlace[] = [];
  const share = async (address: string): Promise<SharedPlace> => {
    const owner = bytesToHex(systemRandom(16));
    const { agentId } = options;
    const place = await openSharedPlace(address, { agentId, owner, leaseMs: LEASE_MS });
    places.push(place);
    return place;
  };
  const folder = await openVault(options, primitives, share);
  const memory = createMemoryVaultFolder();
  const keys = await settleKeys(options, folder ?? memory, primitives);
  const store = openStore(folder?.folder ?? null);
  const dedupe = await openDedupe(options.dedupe, async (address) =>
    createSharedDedupe(await share(address), sharedSeal(primitives, keys)),
  );
  return {
    keys,
    vault: folder === null ? null : createFolderKeyVault(folder),
    store,
    dedupe,
    notes: createAgentNotes(folder ?? memory, sharedSeal(primitives, keys)),
    async close() {
      await dedupe.close();
      await store.close();
      for (const place of places) await place.close();
    },
  };
}

async function openVault(
  { vaultFolder, keys }: SettledOptions,
  primitives: Primitives,
  share: (address: string) => Promise<SharedPlace>,
): Promise<VaultFolder | null> {
  if (vaultFolder === null) return null;
  if (!isSharedAddress(vaultFolder)) return openVaultFolder(vaultFolder);
  if (keys === null)
    throw new HasheeError("BAD_REQUEST", {
      message:
        "A vault on a server is sealed under the agent's keys: give both by options or environment.",
      params: { path: "keyVault" },
      fatal: true,
    });
  const settings = { clock: systemClock, random: systemRandom };
  return createSharedVault(await share(vaultFolder), sharedSeal(primitives, keys), settings);
}

async function openDedupe(
  given: SettledOptions["dedupe"],
  openShared: (address: string) => Promise<DedupeStore>,
): Promise<DedupeStore> {
  if (typeof given === "string" && isSharedAddress(given)) return openShared(given);
  return typeof given === "string" || given === null
    ? openDedupeStore(given, { clock: systemClock, random: systemRandom })
    : given;
}

function openStore(folder: string | null): Store {
  if (folder !== null)
    for (let i = 1; i <= STORE_FILES; i++) {
      const store = openFileStore(join(folder, `store-${i}.sqlite`));
      if (store !== null) return store;
    }
  return createMemoryStore();
}
