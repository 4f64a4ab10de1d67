/** Ciphertext in a file of its own among the temporary ones: readable by its owner, gone when its reader is done. */
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bytes } from "#base/bytes.ts";
import type { Spool } from "#peer/file-transfer.ts";

/** Makes an empty spool; `dispose` removes it, however far it got. */
export async function openTemporarySpool(): Promise<
  Spool & { readonly folder: string; dispose(): Promise<void> }
> {
  const folder = await mkdtemp(join(tmpdir(), "parley-file-"));
  const path = join(folder, "ciphertext");
  const file = await open(path, "wx", 0o600);
  return {
    folder,
    write: (piece) => file.writeFile(piece),
    async *read() {
      for await (const piece of createReadStream(path)) yield new Uint8Array(piece as Bytes);
    },
    async dispose() {
      await file.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
