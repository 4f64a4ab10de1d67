import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setImmediate as setImmediatePromise } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Rates } from "../live/rates.ts";
import { aWorld, type Account, type Person, type World } from "../relay-world.contract.ts";
import { codeOf } from "../rest-steps.contract.ts";

describe("files", () => {
  async function anUpload(bytes: Uint8Array, rates: Partial<Rates> = {}) {
    const world = await aWorld({ rates });
    const ada = await world.person("ada");
    const echo = await world.agent();
    const conversation_id = await world.invite(ada, echo.inviteCode);
    const announced = await world.rest("POST", "/files", ada.token, {
      filename: "blob",
      content_type: "application/octet-stream",
      size: bytes.length,
      conversation_id,
    });
    const { upload_id, upload_url, attachment_id } = announced.body.data;
    const put = (content: Uint8Array) => world.rest("PUT", upload_url, ada.token, content);
    const confirm = (sha256: string) =>
      world.rest("POST", "/files/confirm", ada.token, { upload_id, sha256 });
    return { world, ada, echo, conversation_id, upload_url, attachment_id, put, confirm };
  }
  const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

  test("[P76] [P79] a file goes up in three steps and comes down to members only, in ranges", async () => {
    const bytes = new Uint8Array(randomBytes(10_000));
    const { world, echo, attachment_id, put, confirm } = await anUpload(bytes);

    await put(bytes);
    expect((await confirm(sha256(bytes))).body.data).toEqual({
      attachment_id,
      size: 10_000,
      sha256: sha256(bytes),
    });

    const response = await fetch(`${world.url()}/files/${attachment_id}`, {
      headers: { authorization: `Bearer ${echo.token}`, range: "bytes=100-199" },
    });
    expect([response.status, response.headers.get("content-disposition")]).toEqual([
      206,
      "attachment",
    ]);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes.slice(100, 200));
    const bob = await world.person("bob");
    expect((await world.rest("GET", `/files/${attachment_id}`, bob.token)).status).toBe(404);
  });

  /** Names of the files that hold ciphertext, whole or not. */
  const kept = (world: World): readonly string[] => {
    const folder = join(world.folder, "blobs");
    return existsSync(folder) ? readdirSync(folder) : [];
  };

  test("[P77] [P78] a file that is longer than announced or has another hash is not kept", async () => {
    const bytes = new Uint8Array(randomBytes(1_000));
    const { world, ada, attachment_id, put, confirm } = await anUpload(bytes);

    expect((await put(new Uint8Array(1_001))).body.error.code).toBe("TOO_LARGE");
    expect(kept(world)).toEqual([]);
    await put(bytes);
    expect(kept(world)).toEqual([attachment_id]);
    expect((await confirm("0".repeat(64))).body.error.code).toBe("SHA256_MISMATCH");

    expect(kept(world)).toEqual([]);
    expect((await confirm(sha256(bytes))).status).toBe(404);
    expect((await world.rest("GET", `/files/${attachment_id}`, ada.token)).status).toBe(404);
  });

  test("[R60] a piece of an upload may be over a mebibyte, as far as was announced and no further", async () => {
    const bytes = new Uint8Array(randomBytes((1 << 20) + 1));
    const { put, confirm } = await anUpload(bytes);

    const more = await put(new Uint8Array(bytes.length + 1));
    const all = await put(bytes);

    expect(more.body.error.code).toBe("TOO_LARGE");
    expect(all.status).toBe(200);
    expect((await confirm(sha256(bytes))).status).toBe(200);
  });

  test("[P76] an upload is put and confirmed by who announced it, and by no other member", async () => {
    const bytes = new Uint8Array(randomBytes(100));
    const { world, echo, upload_url, put, confirm } = await anUpload(bytes);
    const upload_id = (upload_url as string).split("/").at(-2);
    const body = { upload_id, sha256: sha256(bytes) };

    expect((await world.rest("PUT", upload_url, echo.token, bytes)).status).toBe(404);
    await put(bytes);
    expect((await world.rest("GET", upload_url, echo.token)).status).toBe(404);
    expect((await world.rest("POST", "/files/confirm", echo.token, body)).status).toBe(404);
    expect((await confirm(sha256(bytes))).status).toBe(200);
  });

  test("[P77] what an announcement says of a file's name and kind is written down nowhere", async () => {
    const { world, ada, conversation_id } = await anUpload(new Uint8Array(8));
    const named = { filename: "plan-for-the-garden.odt", content_type: "text/x-garden-plan" };

    const body = { ...named, size: 8, conversation_id };
    const announced = await world.rest("POST", "/files", ada.token, body);

    expect(announced.status).toBe(201);
    const held = (await world.held()).toString("latin1") + world.lines.join("\n");
    for (const word of Object.values(named)) expect(held).not.toContain(word);
  });

  test("[P78] who is not in a conversation uploads nothing to it, person or agent", async () => {
    const { world, conversation_id } = await anUpload(new Uint8Array(8));
    const bob = await world.person("bob");
    const other = await world.agent();
    const file = { filename: "blob", content_type: "x", size: 8, conversation_id };

    const refused = [
      await world.rest("POST", "/files", bob.token, file),
      await world.rest("POST", `/agents/${other.id}/files`, other.token, file),
    ];

    expect(refused.map(codeOf)).toEqual(Array(2).fill("NOT_CONVERSATION_MEMBER_UPLOAD"));
    expect(await world.rows("SELECT upload_id FROM upload")).toHaveLength(1);
  });

  /** Sends `bytes` and cuts the line once the relay holds them all. */
  async function breakOff(
    world: World,
    ada: Account,
    url: string,
    bytes: Uint8Array,
    size: number,
  ) {
    const cut = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes),
    });
    const headers = { authorization: `Bearer ${ada.token}`, "content-length": String(size) };
    const init = { method: "PUT", headers, body, signal: cut.signal, duplex: "half" };
    const broken = fetch(`${world.url()}${url}`, init as RequestInit).catch(() => null);
    while ((await receivedOf(world, ada, url)) < bytes.length) await setImmediatePromise();
    cut.abort();
    await broken;
  }
  const receivedOf = async (world: World, ada: Account, url: string): Promise<number> =>
    (await world.rest("GET", url, ada.token)).body.data.received;

  test("[P76] a broken upload goes on from where it broke, over a restart of the relay too", async () => {
    const bytes = new Uint8Array(randomBytes(10_000));
    const { world, ada, upload_url, put, confirm } = await anUpload(bytes, {
      rest: { perSecond: 100_000, burst: 100_000 },
    });
    await breakOff(world, ada, upload_url, bytes.slice(0, 4_000), bytes.length);
    await world.restart();
    expect(await receivedOf(world, ada, upload_url)).toBe(4_000);
    const rest = (from: number) =>
      world.rest("PUT", upload_url, ada.token, bytes.slice(from), {
        "content-range": `bytes ${from}-9999/10000`,
      });

    const misplaced = await rest(3_000);
    const placed = await rest(4_000);

    expect(misplaced.body.error).toMatchObject({
      code: "UPLOAD_OFFSET",
      params: { received: 4_000 },
    });
    expect(placed.body.data).toEqual({ received: 10_000, size: 10_000 });
    expect((await confirm(sha256(bytes))).status).toBe(200);
    expect(codeOf(await put(bytes))).toBe("ID_TAKEN");
  });

  test("[P76] a place that makes no sense is refused", async () => {
    const bytes = new Uint8Array(100);
    const { world, ada, upload_url } = await anUpload(bytes);

    for (const range of ["bytes 5-4/100", "bytes 0-100/100", "bytes 0-49/50", "items 0-9/100"]) {
      const headers = { "content-range": range };
      const answer = await world.rest("PUT", upload_url, ada.token, bytes, headers);
      expect(codeOf(answer), range).toBe("BAD_REQUEST");
    }
  });

  test("[P77] what was announced and not confirmed is gone after an hour", async () => {
    const bytes = new Uint8Array(100);
    const { world, ada, attachment_id, put, confirm } = await anUpload(bytes);
    await put(bytes);

    await world.clock.advance(3_600_000);
    await world.clock.advance(600_000);
    await world.renew(ada);

    expect((await confirm(sha256(bytes))).status).toBe(404);
    // The files go after the answer does.
    while (readdirSync(join(world.folder, "blobs")).includes(attachment_id))
      await setImmediatePromise();
  });

  test("[P77] an upload is put and confirmed within an hour of its announcement, and not later", async () => {
    const bytes = new Uint8Array(100);
    const { world, ada, conversation_id } = await anUpload(bytes);
    // Not at a moment at which the relay clears up: the hour alone counts.
    await world.clock.advance(1_000);
    const body = { filename: "blob", content_type: "x", size: 100, conversation_id };
    const announce = async () => (await world.rest("POST", "/files", ada.token, body)).body.data;
    const [first, second] = [await announce(), await announce()];
    const confirm = async ({ upload_id }: { upload_id: string }) =>
      codeOf(
        await world.rest("POST", "/files/confirm", ada.token, { upload_id, sha256: sha256(bytes) }),
      );
    await world.clock.advance(3_599_000);
    await world.renew(ada);
    for (const { upload_url } of [first, second])
      expect(codeOf(await world.rest("PUT", upload_url, ada.token, bytes))).toBe(200);
    expect(await confirm(first)).toBe(200);

    await world.clock.advance(1_000);

    expect(await confirm(second)).toBe("NOT_FOUND");
    expect(codeOf(await world.rest("GET", second.upload_url, ada.token))).toBe("NOT_FOUND");
  });

  test("[P76] a file may have 100 MiB and not one byte more", async () => {
    const { world, ada, conversation_id } = await anUpload(new Uint8Array(1));
    const size = 104_857_600;
    const piece = new Uint8Array(1_048_576).fill(7);
    const announce = (sizeBytes: number) =>
      world.rest("POST", "/files", ada.token, {
        filename: "blob",
        content_type: "application/octet-stream",
        size: sizeBytes,
        conversation_id,
      });
    // The seal adds a little: a tag for each chunk.
    expect(codeOf(await announce(size + 65_537))).toBe("TOO_LARGE");

    const { upload_id, upload_url, attachment_id } = (await announce(size)).body.data;
    const hash = createHash("sha256");
    const pieces = function* (): Generator<Uint8Array> {
      for (let i = 0; i < 100; i++) {
        hash.update(piece);
        yield piece;
      }
    };
    const init = {
      method: "PUT",
      headers: { authorization: `Bearer ${ada.token}` },
      body: Readable.toWeb(Readable.from(pieces())),
      duplex: "half",
    };
    const put = await fetch(`${world.url()}${upload_url}`, init as RequestInit);
    expect(put.status).toBe(200);
    const confirmed = await world.rest("POST", "/files/confirm", ada.token, {
      upload_id,
      sha256: hash.digest("hex"),
    });
    expect(confirmed.body.data).toMatchObject({ attachment_id, size });
  });

  test("[P76] an agent has five files under way, and each account a gigabyte a day in a conversation", async () => {
    const { world, ada, echo, conversation_id } = await anUpload(new Uint8Array(1));
    const announce = async (account: Account, size: number) =>
      codeOf(
        await world.rest(
          "POST",
          account.type === "agent" ? `/agents/${account.id}/files` : "/files",
          account.token,
          { filename: "blob", content_type: "x", size, conversation_id },
        ),
      );

    const byAgent = [];
    for (let i = 0; i < 6; i++) byAgent.push(await announce(echo, 10));
    const byPerson = [];
    for (let i = 0; i < 11; i++) byPerson.push(await announce(ada, 104_857_600));

    expect(byAgent).toEqual([201, 201, 201, 201, 201, "QUOTA_EXCEEDED"]);
    expect(byPerson.slice(0, 10)).toEqual(Array(10).fill(201));
    expect(byPerson[10]).toBe("QUOTA_EXCEEDED");
    await world.clock.advance(86_400_000);
    await world.renew(ada as Person);
    expect(await announce(ada, 104_857_600)).toBe(201);
  });
});
