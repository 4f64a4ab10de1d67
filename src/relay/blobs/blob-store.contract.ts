/** What every store of files must do, whatever it is made of: `describeBlobs` is run on each. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concat, type Bytes } from "#base/bytes.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AttachmentId } from "#protocol/ids.ts";
import { anId } from "../relay-world.contract.ts";
import type { BlobStore } from "./blob-store.ts";

/** Bytes that come in the given chunks; `breaks` ends them as a lost line does. */
export function aStream(chunks: readonly Uint8Array[], breaks = false): ReadableStream<Uint8Array> {
  const rest = [...chunks];
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = rest.shift();
      if (next !== undefined) controller.enqueue(next);
      else if (breaks) controller.error(new Error("the line broke"));
      else controller.close();
    },
  });
}

export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Bytes> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return concat(...chunks);
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A stream that gives its chunks and then hangs until it is cancelled. */
function aHangingStream(chunks: readonly Uint8Array[]) {
  const rest = [...chunks];
  const started = Promise.withResolvers<void>();
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = rest.shift();
      if (next !== undefined) return controller.enqueue(next);
      started.resolve();
      return new Promise(() => undefined);
    },
  });
  return { stream, started: started.promise };
}

/** `open` gives another door to the same store each time, as another node or a restarted one has it. */
export function describeBlobs(name: string, open: () => BlobStore): void {
  const random = createSeededRandom(7);

  describe(name, () => {
    test("[P76] a file that came whole is known by size and hash and read in ranges, everywhere", async () => {
      const [id, bytes] = [anId<AttachmentId>(), random(100_000)];
      const [here, there] = [open(), open()];

      const put = await here.put(id, aStream([bytes.slice(0, 7), bytes.slice(7)]), {
        from: 0,
        sizeBytes: bytes.length,
      });

      expect(put).toEqual({ ok: true, value: { received: bytes.length } });
      expect(await there.received(id)).toBe(bytes.length);
      expect(await there.stat(id)).toEqual({ sizeBytes: bytes.length, sha256Hex: hashOf(bytes) });
      expect(await readAll(there.read(id, 0, bytes.length - 1))).toEqual(bytes);
      expect(await readAll(there.read(id, 6, 6))).toEqual(bytes.slice(6, 7));
      expect(await readAll(there.read(id, 5, 99_998))).toEqual(bytes.slice(5, 99_999));
    });

    test("[P76] [R42] a broken upload goes on from where it broke, at another node too, and ranges cross the break", async () => {
      const [id, bytes] = [anId<AttachmentId>(), random(50_000)];
      const sizeBytes = bytes.length;
      const [here, there] = [open(), open()];

      const broken = await here.put(id, aStream([bytes.slice(0, 11)], true), {
        from: 0,
        sizeBytes,
      });
      const statBroken = await there.stat(id);
      const again = await there.put(id, aStream([bytes.slice(11, 20_000)], true), {
        from: 11,
        sizeBytes,
      });
      const ended = await here.put(id, aStream([bytes.slice(20_000)]), { from: 20_000, sizeBytes });

      expect([broken, again, ended].map((put) => put.ok && put.value.received)).toEqual([
        11,
        20_000,
        sizeBytes,
      ]);
      expect(statBroken).toBeNull();
      expect(await there.stat(id)).toEqual({ sizeBytes, sha256Hex: hashOf(bytes) });
      expect(await readAll(there.read(id, 10, 20_010))).toEqual(bytes.slice(10, 20_011));
    });

    test("[P76] a place that is another than the store's is refused with the store's", async () => {
      const [id, bytes] = [anId<AttachmentId>(), random(1_000)];
      const blobs = open();
      await blobs.put(id, aStream([bytes.slice(0, 100)]), { from: 0, sizeBytes: 1_000 });

      const put = await blobs.put(id, aStream([bytes.slice(200)]), { from: 200, sizeBytes: 1_000 });

      expect(put).toMatchObject({
        ok: false,
        failure: { code: "UPLOAD_OFFSET", params: { received: 100 } },
      });
      expect(await blobs.received(id)).toBe(100);
    });

    test("[P76] an upload that begins anew forgets what came before", async () => {
      const [id, before, after] = [anId<AttachmentId>(), random(900), random(400)];
      const [here, there] = [open(), open()];
      await here.put(id, aStream([before.slice(0, 800)]), { from: 0, sizeBytes: 900 });

      await there.put(id, aStream([after.slice(0, 300)]), { from: 0, sizeBytes: 400 });
      const half = await here.received(id);
      await here.put(id, aStream([after.slice(300)]), { from: 300, sizeBytes: 400 });

      expect(half).toBe(300);
      expect(await here.stat(id)).toEqual({ sizeBytes: 400, sha256Hex: hashOf(after) });
    });

    test("[P77] more than was announced is cut off and not kept", async () => {
      const [id, blobs] = [anId<AttachmentId>(), open()];
      const chunk = random(60);
      let [given, isCut] = [0, false];
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          given += 1;
          if (given > 100) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: () => void (isCut = true),
      });

      const put = await blobs.put(id, stream, { from: 0, sizeBytes: 100 });

      expect(isCut).toBe(true);

      expect(put).toMatchObject({
        ok: false,
        failure: { code: "TOO_LARGE", params: { limit: 100 } },
      });
      expect(await blobs.received(id)).toBe(0);
      expect(await blobs.stat(id)).toBeNull();
    });

    test("[P76] a newer call ends one that hangs on a dead line, and goes on behind what that one left", async () => {
      const [id, bytes, blobs] = [anId<AttachmentId>(), random(1_000), open()];
      const sizeBytes = bytes.length;
      const hanging = aHangingStream([bytes.slice(0, 400)]);
      const older = blobs.put(id, hanging.stream, { from: 0, sizeBytes });
      await hanging.started;

      const newer = await blobs.put(id, aStream([bytes]), { from: 0, sizeBytes });

      expect(await older).toEqual({ ok: true, value: { received: 400 } });
      expect(newer).toEqual({ ok: true, value: { received: sizeBytes } });
      expect(await blobs.stat(id)).toEqual({ sizeBytes, sha256Hex: hashOf(bytes) });
    });

    test("[P77] a deleted file is gone, whole or not, and an unknown one was never there", async () => {
      const [whole, part, blobs] = [anId<AttachmentId>(), anId<AttachmentId>(), open()];
      await blobs.put(whole, aStream([random(10)]), { from: 0, sizeBytes: 10 });
      await blobs.put(part, aStream([random(10)]), { from: 0, sizeBytes: 20 });

      await blobs.delete(whole);
      await blobs.delete(part);

      for (const id of [whole, part, anId<AttachmentId>()]) {
        expect(await blobs.received(id)).toBe(0);
        expect(await blobs.stat(id)).toBeNull();
      }
    });
  });
}
