import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTemporarySpool } from "./temporary-spool.ts";

test("[K23] what lies between relay and reader is its owner's alone, read in pieces, and gone when it was read", async () => {
  const spool = await openTemporarySpool();
  const piece = new Uint8Array(1 << 20);
  for (let i = 0; i < 3; i++) await spool.write(piece.fill(i + 1));
  const path = join(spool.folder, "ciphertext");

  const [sizes, beginnings]: [number[], Set<number | undefined>] = [[], new Set()];
  for await (const read of spool.read()) {
    sizes.push(read.length);
    beginnings.add(read[0]);
  }
  const mode = statSync(path).mode & 0o777;
  await spool.dispose();

  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(3 * piece.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
  expect([...beginnings]).toEqual([1, 2, 3]);
  expect(mode).toBe(0o600);
  expect(existsSync(spool.folder)).toBe(false);
});
