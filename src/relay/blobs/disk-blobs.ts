import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { ok, type Result } from "#base/result.ts";
import type { AttachmentId } from "#protocol/ids.ts";
import { refuse, type RelayFailure } from "../failure.ts";
import type { BlobStore } from "./blob-store.ts";

type Received = Result<{ readonly received: number }, RelayFailure>;
type Place = { readonly from: number; readonly sizeBytes: number };

/** Blobs as files of a folder; a file appears under its name only when it is whole and on disk. */
export function createDiskBlobs(folder: string): BlobStore {
  // Ids are UUIDs, checked where they entered, so they are safe as names.
  const pathOf = (id: AttachmentId): string => join(folder, id);
  const partOf = (id: AttachmentId): string => `${pathOf(id)}.part`;
  const receiving = new Map<AttachmentId, { cancel(): void; readonly ended: Promise<unknown> }>();

  const received = async (id: AttachmentId): Promise<number> =>
    (await sizeOf(pathOf(id))) ?? (await sizeOf(partOf(id))) ?? 0;

  const interrupt = async (id: AttachmentId): Promise<void> => {
    const older = receiving.get(id);
    older?.cancel();
    await older?.ended;
  };

  const append = async (
    id: AttachmentId,
    reader: ReadableStreamDefaultReader<Uint8Array>,
    place: Place,
  ): Promise<Received> => {
    const here = await received(id);
    if (place.from !== 0 && place.from !== here) return refuse("UPLOAD_OFFSET", { received: here });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(partOf(id), place.from === 0 ? "w" : "a", 0o600);
    let size = place.from;
    try {
      size = await copy(reader, file, place);
      await file.sync();
    } catch (fault) {
      return refuse(isFull(fault) ? "STORAGE_FULL" : "STORAGE_FAILED");
    } finally {
      await file.close();
    }
    if (size > place.sizeBytes) {
      await rm(partOf(id), { force: true });
      return refuse("TOO_LARGE", { limit: place.sizeBytes });
    }
    if (size === place.sizeBytes) await rename(partOf(id), pathOf(id));
    return ok({ received: size });
  };

  return {
    received,
    async put(id, bytes, place) {
      const reader = bytes.getReader();
      await interrupt(id);
      const ended = append(id, reader, place).finally(() => {
        if (receiving.get(id)?.ended === ended) receiving.delete(id);
      });
      receiving.set(id, { cancel: () => void reader.cancel().catch(() => undefined), ended });
      return ended;
    },
    async stat(id) {
      const sizeBytes = await sizeOf(pathOf(id));
      if (sizeBytes === null) return null;
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(pathOf(id))) hash.update(chunk as Uint8Array);
      return { sizeBytes, sha256Hex: hash.digest("hex") };
    },
    read: (id, start, end) =>
      Readable.toWeb(createReadStream(pathOf(id), { start, end })) as ReadableStream<Uint8Array>,
    async delete(id) {
      await interrupt(id);
      for (const path of [pathOf(id), partOf(id)]) await rm(path, { force: true });
    },
  };
}

const sizeOf = async (path: string): Promise<number | null> =>
  (await stat(path).catch(() => null))?.size ?? null;

/** Copies until the stream ends, breaks or brings too much; the size of the file then. */
async function copy(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  file: FileHandle,
  { from, sizeBytes }: Place,
): Promise<number> {
  let size = from;
  for (;;) {
    // A line that breaks is an end like another: what came is kept, the rest can follow.
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done || value === undefined) return size;
    size += value.byteLength;
    if (size > sizeBytes) {
      await reader.cancel().catch(() => undefined);
      return size;
    }
    await file.write(value);
  }
}

const isFull = (fault: unknown): boolean =>
  fault instanceof Error && "code" in fault && (fault.code === "ENOSPC" || fault.code === "EDQUOT");
