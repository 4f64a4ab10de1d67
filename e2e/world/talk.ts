/** One sender and one receiver over two sockets: as fast as it goes, or at a steady rate. */
import type WebSocket from "ws";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { MAX_IN_FLIGHT } from "../../src/protocol/limits.ts";
import { aMessage, type Account } from "../../src/relay/hand-made.contract.ts";

/** Padding that makes an envelope's body 1 KiB. */
const PADDED_BYTES = 1_024;
/** Messages on their way at once: as many as the protocol lets one socket have unanswered. */
const WINDOW = MAX_IN_FLIGHT;
/** The receiver acknowledges as an endpoint does: what one turn brought, at once. */
const ACK_EVERY = 64;

export type Talk = {
  readonly sender: WebSocket;
  readonly receiver: WebSocket;
  readonly from: Account;
  readonly conversationId: ConversationId;
};

export type Said = { readonly id: string; readonly text: string };

/** So many messages that nobody has sent. */
export const makeFrames = (
  { from, conversationId }: Pick<Talk, "from" | "conversationId">,
  count: number,
  paddedBytes = PADDED_BYTES,
): readonly Said[] =>
  Array.from({ length: count }, () => {
    const frame = aMessage(conversationId, from, 7, paddedBytes);
    return { id: frame.client_message_id as string, text: JSON.stringify(frame) };
  });

type Heard = { readonly onAck: (id: string) => void; readonly onNew: (id: string) => void };

/** Hands acks and messages over until the returned function is called; by then everything taken is acknowledged. */
function listen({ sender, receiver, conversationId }: Talk, heard: Heard): () => void {
  let taken = 0;
  let unacked: string | null = null;
  const acknowledge = (): void => {
    if (unacked === null) return;
    const frame = { type: "message.ack", conversation_id: conversationId, seq: unacked };
    receiver.send(JSON.stringify(frame));
    unacked = null;
  };
  const onSender = (bytes: WebSocket.RawData): void => {
    const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, string>;
    if (frame["type"] === "message.ack") heard.onAck(frame["client_message_id"] ?? "");
    else if (frame["type"] === "error") throw new Error(JSON.stringify(frame));
  };
  const onReceiver = (bytes: WebSocket.RawData): void => {
    const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, string>;
    if (frame["type"] !== "message.new") return;
    heard.onNew(frame["client_message_id"] ?? "");
    unacked = frame["conversation_seq"] ?? null;
    if (++taken % ACK_EVERY === 0) acknowledge();
  };
  sender.on("message", onSender);
  receiver.on("message", onReceiver);
  return () => {
    sender.off("message", onSender);
    receiver.off("message", onReceiver);
    if (receiver.readyState === receiver.OPEN) acknowledge();
  };
}

/** What was acknowledged and what was received, as ids in the order they came. */
export type Passed = { readonly acked: readonly string[]; readonly read: readonly string[] };

/** The delay that one in a hundred exceeds, in whole milliseconds. */
export const p99 = (delaysMs: readonly number[]): number =>
  Math.round(delaysMs.toSorted((a, b) => a - b)[Math.floor(delaysMs.length * 0.99)] ?? 0);

/**
 * As fast as it goes, until all is acknowledged and, unless nobody reads it yet, received; or until the line breaks.
 */
export async function flood(
  talk: Talk,
  frames: readonly Said[],
  reading: "read" | "unread" = "read",
): Promise<Passed & { readonly perSecond: number }> {
  const count = frames.length;
  const startedAt = performance.now();
  const acked: string[] = [];
  const read: string[] = [];
  await new Promise<void>((resolve) => {
    let sent = 0;
    const end = (): void => {
      stop();
      talk.sender.off("close", end);
      resolve();
    };
    const send = (): void => {
      while (sent < count && sent - acked.length < WINDOW)
        talk.sender.send(frames[sent++]?.text ?? "");
      if (acked.length >= count && (reading === "unread" || read.length >= count)) end();
    };
    const stop = listen(talk, {
      onAck: (id) => (acked.push(id), send()),
      onNew: (id) => (read.push(id), send()),
    });
    talk.sender.once("close", end);
    send();
  });
  return { acked, read, perSecond: count / ((performance.now() - startedAt) / 1_000) };
}

export type Delays = Passed & {
  readonly ackMs: readonly number[];
  readonly newMs: readonly number[];
};

/**
 * Times to the ack and to the receiver, at so many messages a second, each counted from when it was due: a sender that
 * had to wait for room counts its waiting too.
 */
export async function steady(talk: Talk, perSecond: number, seconds: number): Promise<Delays> {
  const { byTalk, ...delays } = await steadyOver([talk], perSecond, seconds);
  const [passed] = byTalk;
  if (passed === undefined) throw new Error("one talk was had");
  return { ...delays, ...passed };
}

/** As {@link steady}, the messages spread evenly over talks whose sockets are their own. */
export async function steadyOver(
  talks: readonly Talk[],
  perSecond: number,
  seconds: number,
): Promise<{
  readonly ackMs: readonly number[];
  readonly newMs: readonly number[];
  readonly byTalk: readonly Passed[];
}> {
  const startedAt = performance.now();
  const gapMs = (talks.length * 1_000) / perSecond;
  const each = Math.round((perSecond * seconds) / talks.length);
  const all = talks.map((talk, i) =>
    keepUp(talk, { each, gapMs, firstAt: startedAt + i * (gapMs / talks.length) }),
  );
  const beat = setInterval(() => {
    for (const { send } of all) send();
  }, 1);
  const done = await Promise.all(all.map(({ ended }) => ended));
  clearInterval(beat);
  return {
    ackMs: done.flatMap(({ ackMs }) => ackMs),
    newMs: done.flatMap(({ newMs }) => newMs),
    byTalk: done,
  };
}

/** One talk of a steady rate: `send` says what is due and finds room. */
function keepUp(
  talk: Talk,
  {
    each,
    gapMs,
    firstAt,
  }: { readonly each: number; readonly gapMs: number; readonly firstAt: number },
): { readonly send: () => void; readonly ended: Promise<Delays> } {
  const dueAt = new Map<string, number>();
  const delays = { ackMs: [] as number[], newMs: [] as number[] };
  const passed = { acked: [] as string[], read: [] as string[] };
  const since = (id: string): number => performance.now() - (dueAt.get(id) ?? Number.NaN);
  let sent = 0;
  const ended = new Promise<Delays>((resolve) => {
    const done = (): void => {
      if (passed.acked.length < each || passed.read.length < each) return;
      stop();
      resolve({ ...delays, ...passed });
    };
    const stop = listen(talk, {
      onAck(id) {
        passed.acked.push(id);
        delays.ackMs.push(since(id));
        done();
      },
      onNew(id) {
        passed.read.push(id);
        delays.newMs.push(since(id));
        done();
      },
    });
  });
  return {
    ended,
    send() {
      const due = Math.min((performance.now() - firstAt) / gapMs, each);
      while (sent < due && sent - passed.acked.length < WINDOW) {
        const [{ id, text } = { id: "", text: "" }] = makeFrames(talk, 1);
        dueAt.set(id, firstAt + sent * gapMs);
        talk.sender.send(text);
        sent++;
      }
    },
  };
}
