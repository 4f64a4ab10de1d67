/** The 32 bytes that the relay's own keys are derived from, as they lie in the data folder. SPEC §stored. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { Bytes } from "#base/bytes.ts";

export const KEY_BYTES = 32;

/** Why a relay does not start with a key. */
export type UnfitKeyReason = "damaged" | "another";

/** Thrown when there is a key that must not be used. */
export class UnfitKey extends Error {
  override readonly name = "UnfitKey";
  readonly because: UnfitKeyReason;
  constructor(because: UnfitKeyReason) {
    super(because === "damaged" ? "the key is cut short" : "another key than the others have");
    this.because = because;
  }
}

/**
 * The key at `path`, which is made when there is none. It appears whole or not at all: with a key cut short, or empty,
 * anybody could make the relay's tokens. Throws {@link UnfitKey} for a file of another length, else as the disk does.
 */
export function loadKey(path: string): Bytes {
  if (!existsSync(path)) makeKey(path);
  const key = new Uint8Array(readFileSync(path));
  if (key.length !== KEY_BYTES) throw new UnfitKey("damaged");
  return key;
}

function makeKey(path: string): void {
  const draft = `${path}.${process.pid}.draft`;
  try {
    const file = openSync(draft, "w", 0o600);
    try {
      writeFileSync(file, randomBytes(KEY_BYTES));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    settle(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

// Where two begin at once, the first one's key is the key; a file system without links has no such order.
function settle(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch {
    if (!existsSync(path)) renameSync(draft, path);
  }
}
