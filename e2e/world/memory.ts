/** Looks into a living process, as somebody with root on the relay's machine would. Linux only. */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/** Names of the needles that stand anywhere in the writable memory of `pid`. */
export function findInMemory(pid: number, needles: ReadonlyMap<string, Buffer>): readonly string[] {
  const found = new Set<string>();
  const longest = Math.max(...[...needles.values()].map((needle) => needle.length));
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const chunk = Buffer.alloc(4 * 1_024 * 1_024);
  for (const [start, end] of writableRegions(pid)) {
    for (let at = start; at < end; at += chunk.length - longest) {
      const sizeBytes = readAt(memory, chunk, at, Math.min(chunk.length, end - at));
      if (sizeBytes === 0) break;
      const seen = chunk.subarray(0, sizeBytes);
      for (const [name, needle] of needles) if (seen.includes(needle)) found.add(name);
    }
  }
  closeSync(memory);
  return [...found];
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
