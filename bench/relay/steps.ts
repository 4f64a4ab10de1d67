/**
 * Where the processor time of one message of 1 KiB goes on the relay's main thread: its own steps, each alone and warm.
 * What B9 counts beyond their sum is the socket (unmasking, frames, system calls), promises, memory and the writer's
 * thread. Run: node bench/relay/steps.ts
 */
import type { AccountId, ConversationId, DeviceId } from "../../src/protocol/ids.ts";
import { peekEnvelope } from "../../src/protocol/envelope.ts";
import { encodeFrame, parseEndpointFrame } from "../../src/protocol/frame.ts";
import { ENVELOPE_FORMAT } from "../../src/protocol/version.ts";
import { checkEnvelope, decodeBase64 } from "../../src/relay/envelope-check.ts";
import { aMessage, anId, type Account } from "../../src/relay/hand-made.contract.ts";
import { entryToFrame } from "../../src/relay/log/entry-frame.ts";
import type { AppendRequest, StoredEntry } from "../../src/relay/log/log-store.ts";
import { createMetrics } from "../../src/relay/metrics.ts";
import { packJobs } from "../../src/relay/store/parcel.ts";
import { machineLine } from "../machine.ts";

const MESSAGES = 200;
const RUNS = 20_000;
const ROUNDS = 6;
const GROUP = 64;

const conversationId = anId<ConversationId>();
const sender: Account = {
  type: "human",
  id: anId<AccountId>(),
  deviceId: anId<DeviceId>(),
  token: "",
};
const messages = Array.from({ length: MESSAGES }, (_, i) => {
  const frame = aMessage(conversationId, sender, 7, 1_024);
  const { client_message_id: messageId, encrypted_payload: payload } = frame;
  const body = decodeBase64(payload);
  if (body === null) throw new Error("an envelope");
  const own = {
    senderId: sender.id,
    senderDeviceId: sender.deviceId,
    senderType: "human",
  } as const;
  const rest = { sessionOpen: null, meta: { content_type: "encrypted" }, countsUnread: true };
  const entry = { conversationId, kind: "message.new", messageId, ...own, ...rest, body } as const;
  const stored: StoredEntry = { ...entry, seq: i + 1, at: Date.now(), recalledAt: null };
  const args: AppendRequest = { now: Date.now(), entry, artifact: null, stream: null };
  return { payload, messageId, body, text: JSON.stringify(frame), stored, args };
});
type Message = (typeof messages)[number];
const group = messages
  .slice(0, GROUP)
  .map(({ args }) => ({ name: "appendMessage", args }) as const);
const metrics = createMetrics();

const STEPS: Readonly<Record<string, (message: Message, i: number) => unknown>> = {
  "JSON of the frame": ({ text }) => JSON.parse(text),
  "JSON and its shape": ({ text }) => parseEndpointFrame(text),
  "base64 of the envelope": ({ payload }) => decodeBase64(payload),
  "head of the envelope": ({ body }) => peekEnvelope(body),
  "all checks of the envelope": ({ payload, messageId }) =>
    checkEnvelope(
      { payload, sessionOpen: undefined, format: ENVELOPE_FORMAT },
      { conversationId, messageId, senderId: sender.id, deviceId: sender.deviceId },
    ),
  [`packing for the writer, ${GROUP} together`]: (_, i) =>
    i % GROUP === 0 ? packJobs(group) : undefined,
  "frame for the receiver": ({ stored }) => encodeFrame(entryToFrame(stored, true)),
  "one counter": () => metrics.count("frames_total", { direction: "in", type: "message.send" }),
};

for (const [name, step] of Object.entries(STEPS)) {
  let leastUs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < RUNS; i++) {
      const message = messages[i % MESSAGES];
      if (message !== undefined) step(message, i);
    }
    const { user, system } = process.cpuUsage(before);
    leastUs = Math.min(leastUs, (user + system) / RUNS);
  }
  console.log(`${name.padEnd(40)} ${leastUs.toFixed(2)} µs`);
}
console.log(machineLine());
