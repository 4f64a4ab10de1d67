import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { ok } from "#base/result.ts";
import type { AttachmentId } from "#protocol/ids.ts";
import { refuse } from "../failure.ts";
import type { BlobStore } from "./blob-store.ts";

/** Blobs as files of a folder; a file appears under its name only when it is whole and on disk. */
export function createDiskBlobs(folder: string): BlobStore {
  // Ids are UUIDs, checked where they entered, so they are safe as names.
  const pathOf = (id: AttachmentId): string => join(folder, id);
  return {
    async put(id, bytes, maxBytes) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const partial = `${pathOf(id)}.part`;
      const hash = createHash("sha256");
      let sizeBytes = 0;
      const file = await open(partial, "w", 0o600);
      try {
        for await (const chunk of bytes) {
          sizeBytes += chunk.byteLength;
          if (sizeBytes > maxBytes) break;
          hash.update(chunk);
          await file.write(chunk);
        }
        await file.sync();
      } catch {
        sizeBytes = -1;
      } finally {
        await file.close();
      }
      if (sizeBytes < 0 || sizeBytes > maxBytes) {
        await rm(partial, { force: true });
        return sizeBytes < 0 ? refuse("STORAGE_FAILED") : refuse("TOO_LARGE", { limit: maxBytes });
      }
      await rename(partial, pathOf(id));
      return ok({ sizeBytes, sha256Hex: hash.digest("hex") });
    },
    async stat(id) {
      const found = await stat(pathOf(id)).catch(() => null);
      if (found === null) return null;
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(pathOf(id))) hash.update(chunk as Uint8Array);
      return { sizeBytes: found.size, sha256Hex: hash.digest("hex") };
    },
    read: (id, start, end) =>
      Readable.toWeb(createReadStream(pathOf(id), { start, end })) as ReadableStream<Uint8Array>,
    delete: (id) => rm(pathOf(id), { force: true }),
  };
}
