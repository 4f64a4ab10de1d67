/**
 * The folder where all processes of an agent on one host keep its private keys: small named records, each replaced
 * as a whole, readable by their owner alone. Whoever makes or rotates keys does it under the folder's lock. SPEC §keys.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Bytes } from "#base/bytes.ts";
import { assert } from "#base/invariant.ts";
import {
  hasCode,
  makePrivateFolder,
  readFileIfThere,
  removeDurably,
  writeDurably,
} from "./durable-file.ts";
import { tryLock, withLock } from "./folder-lock.ts";

export interface VaultFolder {
  /** Where it is, or null when it lives in memory and ends with the process. */
  readonly folder: string | null;
  read(name: string): Promise<Bytes | null>;
  write(name: string, value: Bytes): Promise<void>;
  remove(name: string): Promise<void>;
  /** Names that begin with `prefix`, in order. */
  list(prefix: string): Promise<readonly string[]>;
  /** Runs alone among all processes that share the vault, after whoever is at it. */
  exclusively<Value>(task: () => Promise<Value>): Promise<Value>;
  /** The same, but null when somebody else is at it. */
  exclusivelyNow<Value>(task: () => Promise<Value>): Promise<Value | null>;
}

/** Opens a vault in a folder, or returns null when the folder cannot be written. */
export async function openVaultFolder(folder: string): Promise<VaultFolder | null> {
  try {
    await makePrivateFolder(folder);
    await writeDurably(join(folder, "README.txt"), README);
  } catch (error) {
    if (["EACCES", "EROFS", "EPERM", "ENOTDIR"].some((code) => hasCode(error, code))) return null;
    throw error;
  }
  const lock = join(folder, "vault.lock");
  const pathOf = (name: string): string => {
    assert(/^[a-z0-9][a-z0-9.-]{0,100}$/.test(name), "vault names are plain file names");
    return join(folder, `${name}.key`);
  };
  return {
    folder,
    read: (name) => readFileIfThere(pathOf(name)),
    write: (name, value) => writeDurably(pathOf(name), value),
    remove: (name) => removeDurably(pathOf(name)),
    list: async (prefix) =>
      (await readdir(folder))
        .filter((file) => file.endsWith(".key") && file.startsWith(prefix))
        .map((file) => file.slice(0, -".key".length))
        .sort(),
    exclusively: (task) => withLock(lock, task),
    exclusivelyNow: async (task) => {
      const release = tryLockOrNone(lock);
      if (release === null) return null;
      try {
        return await task();
      } finally {
        release();
      }
    },
  };
}

// A lock that cannot be taken, on a disk that fails, is as good as somebody else's.
function tryLockOrNone(path: string): (() => void) | null {
  try {
    return tryLock(path);
  } catch {
    return null;
  }
}

/** Creates a vault that ends with the process. */
export function createMemoryVaultFolder(): VaultFolder {
  const valueByName = new Map<string, Bytes>();
  return {
    folder: null,
    read: async (name) => valueByName.get(name) ?? null,
    write: async (name, value) => {
      valueByName.set(name, value);
    },
    remove: async (name) => {
      valueByName.delete(name);
    },
    list: async (prefix) =>
      [...valueByName.keys()].filter((name) => name.startsWith(prefix)).sort(),
    exclusively: (task) => task(),
    exclusivelyNow: (task) => task(),
  };
}

const README = new TextEncoder().encode(
  "The private keys of an agent. Whoever can read this folder can read and write as the agent.\n",
);
