import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { ok } from "#base/result.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import { createConnection } from "./connection.ts";
import { createRelayChannel, type ChannelEvent } from "./relay-channel.ts";
import { createScriptedSockets } from "./scripted-socket.ts";

const CONVERSATION = "01900000-0000-7000-8000-00000000000a" as ConversationId;
const MESSAGE = "01900000-0000-7000-8000-00000000000b" as MessageId;
const OTHER_MESSAGE = "01900000-0000-7000-8000-00000000000c" as MessageId;
const resumeOk: RelayFrame = {
  type: "resume.ok",
  status: "continued",
  log_epoch: "e1",
  conversations: [],
};
const send = {
  type: "message.send",
  conversation_id: CONVERSATION,
  client_message_id: MESSAGE,
  encrypted_payload: "AAAA",
} as const;
const ack = {
  type: "message.ack",
  conversation_id: CONVERSATION,
  client_message_id: MESSAGE,
  message_id: MESSAGE,
  conversation_seq: 1,
  created_at: "2026-01-01T00:00:00.000Z",
} as const;

type Point = ReturnType<Parameters<typeof createRelayChannel>[0]["resumePoint"]>;
const here = async (): Point => ({ logEpoch: "e1", cursors: { [CONVERSATION]: 7 }, streams: {} });

async function aChannel(
  auth: { connection_id?: string } = { connection_id: "c1" },
  resumePoint = here,
  seed = 1,
) {
  const clock = createFakeClock();
  const sockets = createScriptedSockets();
  const connection = createConnection({
    clock,
    random: createSeededRandom(1),
    log: silentLog,
    openSocket: sockets.open,
    url: "ws://relay.test/ws/human",
    agentId: null,
    connectionHint: "hint",
    tokens: { token: async () => ok("token") },
  });
  const channel = createRelayChannel({
    clock,
    random: createSeededRandom(seed),
    connection,
    resumePoint,
  });
  const events: ChannelEvent[] = [];
  channel.on((event) => events.push(event));
  connection.start();
  await clock.advance(0);
  sockets.last().opens();
  sockets.last().says({ type: "auth.ok", ...auth });
  await clock.advance(0);
  return { clock, sockets, channel, events };
}

describe("resuming", () => {
  test("[E10] a new line says where it stands and is ready once that is answered", async () => {
    const { sockets, channel, events } = await aChannel();

    expect(sockets.last().sent.at(-1)).toEqual({
      type: "resume",
      log_epoch: "e1",
      cursors: { [CONVERSATION]: 7 },
    });
    expect(channel.isReady()).toBe(false);
    sockets.last().says(resumeOk);

    expect(channel.isReady()).toBe(true);
    expect(events).toEqual([{ type: "ready", resumed: resumeOk }]);
  });

  test("[E10] how far live streams were heard is said with it, where there are any", async () => {
    const streams = { [MESSAGE]: 3 };
    const { sockets } = await aChannel({ connection_id: "c1" }, async () => ({
      ...(await here()),
      streams,
    }));

    expect(sockets.last().sent.at(-1)).toEqual({
      type: "resume",
      log_epoch: "e1",
      cursors: { [CONVERSATION]: 7 },
      streams,
    });
  });

  test("[E10] where a line stands is said over it alone, once", async () => {
    const reading: (() => void)[] = [];
    const { sockets, clock } = await aChannel({ connection_id: "c1" }, async () => {
      await new Promise<void>((resolve) => reading.push(resolve));
      return here();
    });
    sockets.last().closes(1006);
    await clock.advance(1_000);
    sockets.last().opens();
    sockets.last().says({ type: "auth.ok", connection_id: "c2" });
    await clock.advance(0);
    expect(reading).toHaveLength(2);

    for (const done of reading) done();
    await clock.advance(0);

    expect(sockets.last().sent.map(({ type }) => type)).toEqual(["auth", "resume"]);
  });

  test("[E10] a relay that names no connection knows no resume and is asked for none", async () => {
    const { sockets, channel, events } = await aChannel({});

    expect(sockets.last().sent.map(({ type }) => type)).toEqual(["auth"]);
    expect(channel.isReady()).toBe(true);
    expect(events).toEqual([{ type: "ready", resumed: null }]);
  });
});

describe("asking and answering", () => {
  test("[E11] an answer finds its question by the request's name", async () => {
    const { sockets, channel } = await aChannel();
    sockets.last().says(resumeOk);

    const first = channel.request(send);
    const second = channel.request({ ...send, client_message_id: OTHER_MESSAGE });
    const names = sockets
      .last()
      .sent.slice(-2)
      .map(({ req }) => req ?? "");
    const other = { client_message_id: OTHER_MESSAGE, message_id: OTHER_MESSAGE };
    sockets.last().says({ ...ack, ...other, req: names[1], conversation_seq: 2 });
    sockets.last().says({ ...ack, req: names[0] });

    expect(await first).toMatchObject({ ok: true, value: { conversation_seq: 1 } });
    expect(await second).toMatchObject({ ok: true, value: { conversation_seq: 2 } });
  });

  test("[E11] an answer without a name is found by its message", async () => {
    const { sockets, channel } = await aChannel();
    sockets.last().says(resumeOk);

    const asked = channel.request(send);
    sockets.last().says(ack);

    expect(await asked).toMatchObject({ ok: true });
  });

  test("[E11] an acknowledgement of another message is no answer, whatever request it names", async () => {
    const { sockets, channel } = await aChannel();
    sockets.last().says(resumeOk);

    const asked = channel.request(send);
    const { req } = { req: "", ...sockets.last().sent.at(-1) };
    const other = { client_message_id: OTHER_MESSAGE, message_id: OTHER_MESSAGE };
    sockets.last().says({ ...ack, ...other, req, conversation_seq: 7 });
    sockets.last().says({ ...ack, req });

    expect(await asked).toMatchObject({ ok: true, value: { conversation_seq: 1 } });
  });

  test("[E11] what was answered to an earlier process answers nothing of the next one", async () => {
    const [earlier, next] = [await aChannel(), await aChannel(undefined, undefined, 2)];
    const names = [earlier, next].map(({ sockets, channel }) => {
      sockets.last().says(resumeOk);
      void channel.request(send);
      return { req: "", ...sockets.last().sent.at(-1) }.req;
    });

    expect(new Set(names).size).toBe(2);
  });

  test("[E11] an answer to a request that nobody waits for is no other one's, whatever message it names", async () => {
    const { sockets, channel, events } = await aChannel();
    sockets.last().says(resumeOk);

    const asked = channel.request(send);
    sockets.last().says({ ...ack, req: "of another time", conversation_seq: 7 });
    sockets.last().says(ack);

    expect(await asked).toMatchObject({ ok: true, value: { conversation_seq: 1 } });
    expect(events.slice(1)).toMatchObject([{ type: "frame", frame: { conversation_seq: 7 } }]);
  });

  test("[E11] a refusal says how long to wait", async () => {
    const { sockets, channel } = await aChannel();
    sockets.last().says(resumeOk);

    const asked = channel.request(send);
    const told = { type: "error", message: "", i18n_key: "", client_message_id: MESSAGE } as const;
    sockets.last().says({ ...told, code: "RATE_LIMITED", params: {}, retry_after_ms: 1_500 });

    expect(await asked).toMatchObject({ ok: false, failure: { retryAfterMs: 1_500 } });
  });

  test("[E11] a refusal is told in its own kind", async () => {
    const { sockets, channel } = await aChannel();
    sockets.last().says(resumeOk);

    const asked = channel.request(send);
    sockets.last().says({
      type: "error",
      code: "REVISION_CONFLICT",
      message: "",
      i18n_key: "",
      params: { current_revision: 3 },
      client_message_id: MESSAGE,
    });

    expect(await asked).toEqual({
      ok: false,
      failure: { kind: "peer/revision-conflict", currentRevision: 3 },
    });
  });

  test("[E12] a lost line answers every question with offline", async () => {
    const { sockets, channel, events } = await aChannel();
    sockets.last().says(resumeOk);

    const asked = channel.request(send);
    sockets.last().closes(1006);

    expect(await asked).toEqual({ ok: false, failure: { kind: "peer/offline" } });
    expect(channel.isReady()).toBe(false);
    expect(events.at(-1)).toEqual({ type: "lost" });
  });

  test("[E12] a live line that does not answer times out", async () => {
    const { sockets, channel, clock } = await aChannel();
    sockets.last().says(resumeOk);

    const asked = channel.request(send);
    await clock.advance(46_000);

    expect(await asked).toEqual({ ok: false, failure: { kind: "peer/timed-out" } });
  });
});
