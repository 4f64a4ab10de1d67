import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import S3rver from "@20minutes/s3rver";
import { AwsClient } from "aws4fetch";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { makeId, type AttachmentId } from "#protocol/ids.ts";
import { anId, onTestEnd } from "../relay-world.contract.ts";
import { aStream, describeBlobs, readAll } from "./blob-store.contract.ts";
import { createDiskBlobs } from "./disk-blobs.ts";
import { createBucket } from "./s3-bucket.ts";
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

  test("[P76] [R42] a file of many pieces is whole, and what another attempt left behind is not read", async () => {
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

  /** An object as a node left it that died before it could take it away again. */
  async function leave(name: string, bytes: Uint8Array): Promise<void> {
    const client = new AwsClient({
      accessKeyId: "S3RVER",
      secretAccessKey: "S3RVER",
      region: "eu-central-1",
      service: "s3",
    });
    await createBucket(client, `${endpoint}/parley`, systemClock).put(name, new Uint8Array(bytes));
  }
  const attempts = (id: AttachmentId) => {
    const [early, late] = [1, 2].map((at) => makeId<AttachmentId>(at, systemRandom));
    return { older: `${id}/${early}`, newer: `${id}/${late}` };
  };

  test("[R42] of an older attempt that was left behind nothing is read, and the newer is whole with its own last object", async () => {
    const [id, bytes] = [anId<AttachmentId>(), createSeededRandom(11)(90)];
    const { older, newer } = attempts(id);
    await leave(`${older}/000000000000`, bytes.slice(0, 30).fill(1));
    await leave(`${older}/000000000030.end`, bytes.slice(30).fill(2));
    await leave(`${newer}/000000000000`, bytes.slice(0, 20));
    const blobs = open();

    expect(await blobs.received(id)).toBe(20);
    expect(await blobs.stat(id)).toBeNull();
    const rest = { from: 20, sizeBytes: bytes.length };
    const ended = await blobs.put(id, aStream([bytes.slice(20)]), rest);

    expect(ended).toEqual({ ok: true, value: { received: bytes.length } });
    const sha256Hex = createHash("sha256").update(bytes).digest("hex");
    expect(await blobs.stat(id)).toEqual({ sizeBytes: bytes.length, sha256Hex });
    expect(await readAll(blobs.read(id, 0, bytes.length - 1))).toEqual(bytes);
    await blobs.delete(id);
    expect(readdirSync(join(directory, "parley")).filter((name) => name === id)).toEqual([]);
  });

  test("[R42] an upload is a row without a gap: of two objects at one place the longer, and none behind a hole", async () => {
    const [id, bytes] = [anId<AttachmentId>(), createSeededRandom(12)(90)];
    const { newer } = attempts(id);
    // A line broke after ten bytes; what was still on its way from another node came after it, and further.
    await leave(`${newer}/000000000000`, bytes.slice(0, 40));
    await leave(`${newer}/000000000040`, bytes.slice(40, 50));
    await leave(`${newer}/000000000040.end`, bytes.slice(40));
    const blobs = open();
    expect(await blobs.stat(id)).toMatchObject({ sizeBytes: bytes.length });
    expect(await readAll(blobs.read(id, 0, bytes.length - 1))).toEqual(bytes);

    const holed = anId<AttachmentId>();
    await leave(`${holed}/${newer.slice(-36)}/000000000000`, bytes.slice(0, 40));
    await leave(`${holed}/${newer.slice(-36)}/000000000050.end`, bytes.slice(50));

    expect(await blobs.received(holed)).toBe(40);
    expect(await blobs.stat(holed)).toBeNull();
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

test("[R42] a list that a bucket gives in pages is read to its last one", async () => {
  const pages: Readonly<Record<string, string>> = {
    "": "<Contents><Key>a</Key><Size>1</Size></Contents><IsTruncated>true</IsTruncated><NextContinuationToken>p 2/+</NextContinuationToken>",
    "p 2/+":
      "<Contents><Key>b</Key><Size>2</Size></Contents><Contents><Key>c</Key><Size>3</Size></Contents><IsTruncated>true</IsTruncated><NextContinuationToken>p3</NextContinuationToken>",
    p3: "<Contents><Key>d</Key><Size>4</Size></Contents><IsTruncated>false</IsTruncated>",
  };
  const asked: (readonly [prefix: string | null, token: string | null])[] = [];
  const server = createServer((request, answer) => {
    const { searchParams } = new URL(request.url ?? "", "http://bucket.example");
    const token = searchParams.get("continuation-token");
    asked.push([searchParams.get("prefix"), token]);
    answer.end(`<ListBucketResult>${pages[token ?? ""] ?? ""}</ListBucketResult>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestEnd(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const client = new AwsClient({ accessKeyId: "a", secretAccessKey: "b", service: "s3" });

  const found = await createBucket(client, `http://127.0.0.1:${port}/parley`, systemClock).list(
    "one/",
  );

  expect(found).toEqual([
    { key: "a", sizeBytes: 1 },
    { key: "b", sizeBytes: 2 },
    { key: "c", sizeBytes: 3 },
    { key: "d", sizeBytes: 4 },
  ]);
  expect(asked).toEqual([
    ["one/", null],
    ["one/", "p 2/+"],
    ["one/", "p3"],
  ]);
});
