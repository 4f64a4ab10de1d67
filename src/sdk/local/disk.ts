/** What an agent keeps between runs: its keys, its store, what it has taken on. In memory where it may not write. */
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { KeyVault } from "#peer/key-vault.ts";
import { createMemoryStore } from "#peer/memory-store.ts";
import type { Store } from "#peer/store.ts";
import type { RawKeys, SettledOptions } from "../options.ts";
import { openDedupeStore, type DedupeStore } from "./dedupe-store.ts";
import { openFileStore } from "./file-store.ts";
import { createFolderKeyVault } from "./key-vault.ts";
import { settleKeys } from "./settle-keys.ts";
import { createMemoryVaultFolder, openVaultFolder } from "./vault-folder.ts";

export type Disk = {
  readonly keys: RawKeys;
  /** Null where prekeys would end with the process. */
  readonly vault: KeyVault | null;
  readonly store: Store;
  readonly dedupe: DedupeStore;
  close(): Promise<void>;
};

/** One store file per process of a host; a relay gives an agent no more sockets than these. */
const STORE_FILES = 3;

/** Opens or makes everything, and the agent's keys with it. */
export async function openDisk(options: SettledOptions, primitives: Primitives): Promise<Disk> {
  const folder = options.vaultFolder === null ? null : await openVaultFolder(options.vaultFolder);
  const keys = await settleKeys(options, folder ?? createMemoryVaultFolder(), primitives);
  const store = openStore(folder?.folder ?? null);
  const dedupe =
    typeof options.dedupe === "string" || options.dedupe === null
      ? await openDedupeStore(options.dedupe, { clock: systemClock, random: systemRandom })
      : options.dedupe;
  return {
    keys,
    vault: folder === null ? null : createFolderKeyVault(folder),
    store,
    dedupe,
    async close() {
      await dedupe.close();
      await store.close();
    },
  };
}

function openStore(folder: string | null): Store {
  if (folder !== null)
    for (let i = 1; i <= STORE_FILES; i++) {
      const store = openFileStore(join(folder, `store-${i}.sqlite`));
      if (store !== null) return store;
    }
  return createMemoryStore();
}
