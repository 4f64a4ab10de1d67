import { expect, test } from "vitest";
import type WebSocket from "ws";
import { MAX_IN_FLIGHT, MAX_UNACKED_ENTRIES } from "../../src/protocol/limits.ts";
import { online, startCast } from "../world/cast.ts";
import { BY_HAND, check, NONE, placesStored } from "../world/checker.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { canTrace, slowSyncs } from "../world/system-calls.ts";
import { makeFrames, type Said } from "../world/talk.ts";

const SYNC_MS = 2_000;
const ROUNDS = rounds(3, 30);
/** More than a socket may have unanswered. */
const TOO_MANY = 5;

type Frame = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Everything a socket hears, in order, and a wait for what it has heard to hold. */
function listen(socket: WebSocket) {
  const heard: (Frame & { readonly atMs: number })[] = [];
  const looks = new Set<() => void>();
  socket.on("message", (bytes) => {
    heard.push({
      ...(JSON.parse((bytes as Buffer).toString()) as Frame),
      atMs: performance.now(),
    });
    for (const look of looks) look();
  });
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      look();
    });
  const of = (type: string) => heard.filter((frame) => frame.type === type);
  return { of, until };
}

const isTraced = canTrace();

test.runIf(isTraced)(
  `[R4] [S17] [R56] with syncs of ${SYNC_MS} ms acks wait for the disk, who sends too much is told, and reads, typing and pings go on meanwhile`,
  timeoutMs(600_000, 1_800_000),
  async () => {
    const cast = await startCast();
    const { relay, person, conversationId } = cast;
    const [sender, agentSocket] = [
      await online(relay.url, person),
      await online(relay.url, cast.agent),
    ];
    const [ada, agent] = [listen(sender), listen(agentSocket)];
    const talk = { from: person, conversationId };
    const read = async (): Promise<number> => {
      const answer = await fetch(
        `${relay.url}/conversations/${conversationId}/messages?after=0&limit=1`,
        { headers: { authorization: `Bearer ${person.token}` } },
      );
      await answer.text();
      return answer.status;
    };
    const wayBack = await slowSyncs(relay.program.pid, SYNC_MS);
    const [sent, refused] = [[] as Said[], new Set<string>()];
    let [wentOn, quickestAckMs] = [0, Infinity];

    for (let round = 0; round < ROUNDS; round++) {
      const frames = makeFrames(talk, MAX_IN_FLIGHT + TOO_MANY);
      const [acksBefore, errorsBefore] = [ada.of("message.ack").length, ada.of("error").length];
      const [typingBefore, pongsBefore] = [ada.of("typing").length, ada.of("pong").length];
      const sentAt = performance.now();
      for (const { text } of frames) sender.send(text);
      sent.push(...frames);
      agentSocket.send(JSON.stringify({ type: "typing.start", conversation_id: conversationId }));
      agentSocket.send(JSON.stringify({ type: "typing.stop", conversation_id: conversationId }));
      sender.send(JSON.stringify({ type: "ping", t: round }));
      const status = await read();
      await ada.until(() => ada.of("typing").length > typingBefore + 1);
      await ada.until(() => ada.of("pong").length > pongsBefore);
      expect(status).toBe(200);
      // On a machine that does much else the sync may be over first; where it stops everything, it always is.
      if (ada.of("message.ack").length === acksBefore) wentOn += 1;
      // Those that came late enough, on a machine that stood still, found room.
      const answers = (): number =>
        ada.of("message.ack").length - acksBefore + ada.of("error").length - errorsBefore;
      await ada.until(() => answers() >= frames.length);
      const first = ada.of("message.ack")[acksBefore];
      quickestAckMs = Math.min(quickestAckMs, (first?.atMs ?? 0) - sentAt);
      for (const { code, client_message_id } of ada.of("error").slice(errorsBefore))
        if (code === "TOO_MANY_IN_FLIGHT") refused.add(String(client_message_id));
    }

    await wayBack();
    const again = sent.filter(({ id }) => refused.has(id));
    for (let at = 0; at < again.length; at += MAX_IN_FLIGHT) {
      for (const { text } of again.slice(at, at + MAX_IN_FLIGHT)) sender.send(text);
      const taken = sent.length - again.length + Math.min(at + MAX_IN_FLIGHT, again.length);
      await ada.until(() => ada.of("message.ack").length >= taken);
    }
    // Whoever acknowledges nothing is sent no more than this many.
    const portion = MAX_UNACKED_ENTRIES / 2;
    for (let read = 0; read < sent.length; read += portion) {
      const atLeast = Math.min(read + portion, sent.length);
      await agent.until(() => agent.of("message.new").length >= atLeast);
      const seq = agent.of("message.new").at(-1)?.["conversation_seq"];
      const ack = { type: "message.ack", conversation_id: conversationId, seq };
      agentSocket.send(JSON.stringify(ack));
    }
    const acked = ada.of("message.ack").map((frame) => String(frame["client_message_id"]));
    const told = agent.of("message.new").map((frame) => String(frame["client_message_id"]));
    await relay.program.stop();
    const places = placesStored(cast.dataFolder);
    await cast.end();
    const findings = check(
      "syncs of two seconds",
      { acked: { ada: acked }, read: { "the agent": told }, places, ...BY_HAND },
      {
        "told to wait": refused.size,
        "rounds in which the rest went on": wentOn,
        "quickest ack in ms": Math.round(quickestAckMs),
      },
    );
    expect(findings).toEqual(NONE);
    expect(refused.size).toBeGreaterThanOrEqual(TOO_MANY);
    expect(quickestAckMs).toBeGreaterThanOrEqual(SYNC_MS);
    expect(wentOn).toBeGreaterThan(0);
  },
);
