import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import S3rver from "@20minutes/s3rver";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { AttachmentId } from "#protocol/ids.ts";
import { anId } from "../relay-world.contract.ts";
import { aStream, describeBlobs, readAll } from "./blob-store.contract.ts";
import { createDiskBlobs } from "./disk-blobs.ts";
import { createS3Blobs, type S3Place } from "./s3-blobs.ts";

describe("a folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-blobs-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describeBlobs("of one relay", () => createDiskBlobs(folder));
});

describe("an S3 server", () => {
  const directory = mkdtempSync(join(tmpdir(), "parley-s3-"));
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    silent: true,
    directory,
    vhostBuckets: false,
    configureBuckets: [{ name: "parley" }],
  });
  let endpoint = "";
  beforeAll(async () => {
    endpoint = `http://127.0.0.1:${(await server.run()).port}`;
  });
  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const open = (changes: Partial<S3Place> = {}) =>
    createS3Blobs(
      {
        endpoint,
        bucket: "parley",
        region: "eu-central-1",
        accessKey: "S3RVER",
        secretKey: new Secret("S3RVER"),
        ...changes,
      },
      { clock: systemClock, random: systemRandom },
    );

  describeBlobs("by others", () => open());

  test("[P76] a file of many pieces is whole, and what another attempt left behind is not read", async () => {
    const [id, bytes] = [anId<AttachmentId>(), createSeededRandom(9)(20_000_000)];
    const blobs = open();
    await blobs.put(id, aStream([bytes.slice(0, 9_000_000)], true), {
      from: 0,
      sizeBytes: bytes.length,
    });
    const chunks = Array.from({ length: 20 }, (_, i) =>
      bytes.slice(i * 1_000_000, (i + 1) * 1_000_000),
    );

    await blobs.put(id, aStream(chunks), { from: 0, sizeBytes: bytes.length });

    expect(await blobs.stat(id)).toEqual({
      sizeBytes: bytes.length,
      sha256Hex: createHash("sha256").update(bytes).digest("hex"),
    });
    expect(await readAll(blobs.read(id, 8_388_600, 8_388_620))).toEqual(
      bytes.slice(8_388_600, 8_388_621),
    );
    const attempts = readdirSync(join(directory, "parley", id)).filter((name) => name !== "");
    expect(attempts).toHaveLength(1);
  });

  test("[S17] a store that refuses or is not there fails the upload and keeps nothing of ours waiting", async () => {
    const place = { from: 0, sizeBytes: 10 };
    const doors = [
      open({ secretKey: new Secret("wrong") }),
      open({ bucket: "missing" }),
      open({ endpoint: "http://127.0.0.1:1" }),
    ];

    const puts = await Promise.all(
      doors.map((door) => door.put(anId<AttachmentId>(), aStream([new Uint8Array(10)]), place)),
    );

    for (const put of puts) expect(put).toMatchObject({ failure: { code: "STORAGE_FAILED" } });
  });
});
