/** Looks into a living process, as somebody with root on the relay's machine would. Linux only. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import type { Search } from "./needles.ts";

const CHUNK_BYTES = 4 * 1_024 * 1_024;

/** Names of what stands anywhere in the writable memory of `pid`, and how much of it was read. */
export function findInMemory(
  pid: number,
  search: Search,
): { readonly found: readonly string[]; readonly readBytes: number } {
  const found = new Set<string>();
  let readBytes = 0;
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const nothing = Buffer.alloc(CHUNK_BYTES);
  for (const [start, end] of writableRegions(pid)) {
    // Chunks overlap, so that nothing hides across their border.
    for (let at = start; at < end; at += CHUNK_BYTES - search.longestBytes) {
      const sizeBytes = readAt(memory, chunk, at, Math.min(CHUNK_BYTES, end - at));
      if (sizeBytes === 0) break;
      // Most of what is mapped was never written.
      if (chunk.compare(nothing, 0, sizeBytes, 0, sizeBytes) === 0) continue;
      readBytes += sizeBytes;
      for (const name of search.in(chunk.subarray(0, sizeBytes))) found.add(name);
    }
  }
  closeSync(memory);
  return { found: [...found], readBytes };
}

function writableRegions(pid: number): readonly (readonly [number, number])[] {
  return readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .flatMap((line) => {
      const region = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      return region === null
        ? []
        : [[Number.parseInt(region[1] ?? "", 16), Number.parseInt(region[2] ?? "", 16)] as const];
    });
}

// A region may go between the list and the look; then there is nothing to see.
function readAt(file: number, into: Buffer, position: number, sizeBytes: number): number {
  try {
    return readSync(file, into, 0, sizeBytes, position);
  } catch {
    return 0;
  }
}
