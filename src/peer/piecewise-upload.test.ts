import { expect, test } from "vitest";
import { concat, type Bytes } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import type { ConversationId } from "#protocol/ids.ts";
import type { FileLine } from "./file-transfer.ts";
import { createPiecewiseUpload } from "./piecewise-upload.ts";
import { createRest, type Fetch } from "./rest.ts";

const CONVERSATION = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const ATTACHMENT = "01900000-0000-7000-8000-00000000000f";
const SIZE_BYTES = 2_500_000;

/** An upload to a relay that takes what comes until its line breaks after `brokenAfter` bytes of the second piece. */
async function anUpload(brokenAfter: number) {
  const random = createSeededRandom(94);
  const primitives = await createPrimitives({ random });
  const puts: { readonly from: number; readonly bytes: Bytes }[] = [];
  const state = { received: 0, saysIt: (received: number) => received };
  const fetch: Fetch = async (url, { method }) => {
    const path = new URL(url).pathname;
    const upload = {
      upload_id: "u1",
      upload_url: "/uploads/u1",
      attachment_id: ATTACHMENT,
      expires_at: "2026-01-01T00:00:00.000Z",
    };
    const data =
      path === "/files"
        ? upload
        : method === "GET"
          ? { received: state.saysIt(state.received), size: SIZE_BYTES }
          : { attachment_id: ATTACHMENT, size: state.received, sha256: "00".repeat(32) };
    return {
      status: 200,
      headers: { get: () => null },
      text: async () => JSON.stringify({ data }),
    };
  };
  const line: Pick<FileLine, "put"> = {
    async put(_url, headers, body) {
      const parts: Bytes[] = [];
      for await (const part of body) parts.push(part);
      const bytes = concat(...parts);
      const from = Number(/\d+/.exec(headers["content-range"] ?? "")?.[0]);
      puts.push({ from, bytes });
      if (puts.length === 2) {
        state.received = from + brokenAfter;
        throw new TypeError("no network");
      }
      state.received = from + bytes.length;
      return { status: 200, retryAfter: null, text: async () => "" };
    },
  };
  const tokens = { token: async () => ok("token") };
  const baseUrl = "http://relay.test";
  const rest = createRest({ fetch, clock: createFakeClock(), baseUrl, tokens });
  const upload = createPiecewiseUpload(
    { primitives, rest, tokens, line: line as FileLine, baseUrl, agentId: null },
    {
      conversationId: CONVERSATION,
      plain: { sizeBytes: SIZE_BYTES, read: () => [new Uint8Array(SIZE_BYTES)] },
    },
    () => {},
  );
  expect(await upload.run()).toEqual({ ok: false, failure: { kind: "peer/offline" } });
  return { upload, puts, state };
}

test("[E94] the rest follows from where the relay is after a broken line, the same ciphertext", async () => {
  const { upload, puts } = await anUpload(1_000);

  const done = await upload.run();

  expect(done.ok).toBe(true);
  const [, broken, rest, last] = puts;
  if (broken === undefined || rest === undefined || last === undefined) throw new Error("pieces");
  expect(rest.from).toBe(broken.from + 1_000);
  expect(rest.bytes).toEqual(broken.bytes.slice(1_000));
  expect(last.from).toBe(rest.from + rest.bytes.length);
});

test.each([
  ["less than it said before", (received: number) => received - 1_001],
  ["more than it was sent", (received: number) => received + (1 << 20)],
])("[E94] a relay that has %s ends the upload", async (_what, saysIt) => {
  const { upload, puts, state } = await anUpload(1_000);
  state.saysIt = saysIt;

  const done = await upload.run();

  expect(done).toEqual({ ok: false, failure: { kind: "peer/damaged-file" } });
  expect(puts).toHaveLength(2);
});
