import { expect, test } from "vitest";
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, utf8 } from "#base/bytes.ts";
import { createFakeClock } from "#base/fake-clock.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import type { Socket } from "#peer/socket.ts";
import type { AgentId } from "#protocol/ids.ts";
import { createRestLine } from "../line/rest-line.ts";
import { signDelivery } from "./delivery.ts";
import { createWebhookReceiver } from "./receiver.ts";

const AGENT = "01900000-0000-7000-8000-0000000000a1" as AgentId;
const C = "01900000-0000-7000-8000-0000000000c1";
const key = new Uint8Array(32).fill(9);

/** A receiver over a line that an endpoint may take: what it hears, and how it answers. */
async function setupReceiver() {
  const primitives = await createPrimitives({ random: createSeededRandom(1) });
  const clock = createFakeClock(1_700_000_000_000);
  const line = createRestLine({ agentId: AGENT, call: () => Promise.reject(new Error("no call")) });
  const receiver = createWebhookReceiver({
    ...{ primitives, clock, agentId: AGENT, line },
    secret: bytesToBase64(key),
  });
  const heard: string[] = [];
  const takeLine = (): Socket => {
    const socket = line.open("ws://relay");
    socket.onmessage = ({ data }) => {
      const { type } = JSON.parse(String(data)) as { readonly type: string };
      if (type !== "auth.ok") heard.push(type);
    };
    socket.send(JSON.stringify({ type: "auth", token: "t" }));
    return socket;
  };
  const post = (id: string, body: string, aheadMs = 0): Promise<number> => {
    const timestamp = String((clock.now() + aheadMs) / 1_000);
    const headers = {
      "x-hashee-signature": bytesToHex(signDelivery(primitives, key, timestamp, id, utf8(body))),
      "x-hashee-timestamp": timestamp,
      "x-hashee-delivery-id": id,
      "x-hashee-agent-id": AGENT,
    };
    return receiver.receive(headers, utf8(body));
  };
  return { clock, heard, takeLine, post };
}

const ended = JSON.stringify({
  type: "relation.revoked",
  version: "v1",
  payload: {
    relation_id: "01900000-0000-7000-8000-00000000000a",
    user_id: "01900000-0000-7000-8000-0000000000b1",
    conversation_id: C,
    by: "01900000-0000-7000-8000-0000000000b1",
  },
  metadata: { conversation_id: C, conversation_seq: 3, created_at: "2026-01-01T00:00:00.000Z" },
});
const acknowledged = JSON.stringify({ type: "message.ack", conversation_id: C, seq: 3 });
const statusOf = (answer: Promise<number>) => {
  const state: { status: number | null } = { status: null };
  void answer.then((status) => (state.status = status));
  return state;
};

test("[K25] answers 200 when the endpoint has dealt with a delivery, and not before", async () => {
  const { clock, heard, takeLine, post } = await setupReceiver();
  const socket = takeLine();
  const answer = statusOf(post("one", ended));
  await clock.advance(8_000);

  expect([heard, answer.status]).toEqual([["relation.revoked"], null]);
  socket.send(acknowledged);
  await clock.advance(0);
  expect(answer.status).toBe(200);
  expect(await post("one", ended)).toBe(200);
  expect(heard).toHaveLength(1);
});

test("[K25] answers 503 after nine seconds, and takes the delivery up again when it comes again", async () => {
  const { clock, heard, takeLine, post } = await setupReceiver();
  const socket = takeLine();
  const first = statusOf(post("one", ended));
  await clock.advance(8_999);
  expect(first.status).toBeNull();
  await clock.advance(1);
  expect(first.status).toBe(503);

  const second = statusOf(post("one", ended));
  await clock.advance(0);
  socket.send(acknowledged);
  await clock.advance(0);

  expect(second.status).toBe(200);
  expect(heard).toEqual(["relation.revoked", "relation.revoked"]);
});

test("[K25] answers 400 to what is no delivery, and does not call it dealt with", async () => {
  const { post } = await setupReceiver();

  expect([await post("one", "{"), await post("one", "{")]).toEqual([400, 400]);
});

test("[K25] answers 503 while nobody has the line", async () => {
  const { clock, takeLine, post } = await setupReceiver();
  takeLine().close();
  await clock.advance(0);

  expect(await post("one", ended)).toBe(503);
  expect(await post("one", ended)).toBe(503);
});

test("[K26] takes a delivery of up to five minutes before or after its own time, and none beyond", async () => {
  const { post } = await setupReceiver();
  const ignored = JSON.stringify({ ...(JSON.parse(ended) as object), type: "something.new" });
  const aheadMs = [-301_000, -300_000, 300_000, 301_000];

  expect(await Promise.all(aheadMs.map((ms) => post(`at ${ms}`, ignored, ms)))).toEqual([
    401, 200, 200, 401,
  ]);
});

test("[K26] gives one that is not the relay's the same answer whatever it holds", async () => {
  const { post } = await setupReceiver();
  const late = 301_000;

  expect(await Promise.all([post("a", "{}", late), post("b", ended, late)])).toEqual([401, 401]);
});
