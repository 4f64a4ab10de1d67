import { readdirSync, readFileSync } from "node:fs";
import type WebSocket from "ws";
import { describe, expect, test } from "vitest";
import { anId, aMessage } from "../../src/relay/hand-made.contract.ts";
import type { ConversationId, StreamId } from "../../src/protocol/ids.ts";
import { online, startCast, type Cast } from "../world/cast.ts";
import { BY_HAND, check, NONE, placesStored } from "../world/checker.ts";
import { allOnline, makeCrowd, makeGroup } from "../world/crowd.ts";
import { isSoak, rounds, timeoutMs } from "../world/profile.ts";
import {
  flood,
  makeFrames,
  p99,
  steady,
  steadyOver,
  type Delays,
  type Talk,
} from "../world/talk.ts";

const talkOf = async (cast: Cast): Promise<Talk> => ({
  sender: await online(cast.relay.url, cast.person),
  receiver: await online(cast.relay.url, cast.agent),
  from: cast.person,
  conversationId: cast.conversationId,
});

/** So many conversations in which one agent speaks and another listens, each over a socket of its own. */
async function talksOf(cast: Cast, count: number): Promise<readonly Talk[]> {
  const crowd = await makeCrowd(cast, 2 * count);
  const sockets = await allOnline(cast.relay.url, crowd);
  const talks: Talk[] = [];
  for (let i = 0; i < crowd.length; i += 2) {
    const [from, to, sender, receiver] = [crowd[i], crowd[i + 1], sockets[i], sockets[i + 1]];
    if (from === undefined || to === undefined || sender === undefined || receiver === undefined)
      throw new Error("each has a partner");
    talks.push({ from, sender, receiver, conversationId: await makeGroup(cast, [from, to]) });
  }
  return talks;
}

/** Stops the relay and has everything compared. */
async function verdict(
  cast: Cast,
  story: string,
  { acked, read }: Pick<Delays, "acked" | "read">,
  more: Readonly<Record<string, number>>,
) {
  await cast.relay.program.stop();
  const places = placesStored(cast.dataFolder);
  await cast.end();
  return check(
    story,
    { acked: { ada: acked }, read: { "the agent": read }, places, ...BY_HAND },
    more,
  );
}

/** Limits hold on a machine that does nothing else; the gate shares one, and looks at what must hold on any. */
const expectWithin = (what: number, limit: number): void => {
  if (isSoak) expect(what).toBeLessThan(limit);
};

const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
const residentMib = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;

describe("a relay under load", () => {
  test(
    "[S13] a steady 300 messages a second over many talks beside idle sockets all arrive, once, in order, and its memory and descriptors stay",
    timeoutMs(600_000, 3_600_000),
    async () => {
      const cast = await startCast();
      const idle = await allOnline(cast.relay.url, await makeCrowd(cast, rounds(100, 2_000)));
      const talks = await talksOf(cast, rounds(10, 100));
      const { pid } = cast.relay.program;
      const [fdsBefore, mibBefore] = [descriptors(pid), residentMib(pid)];

      const { byTalk, ...delays } = await steadyOver(talks, 300, rounds(10, 1_800));

      const [fds, mib] = [descriptors(pid), residentMib(pid)];
      const active = talks.flatMap(({ sender, receiver }) => [sender, receiver]);
      for (const socket of [...idle, ...active]) socket.terminate();
      await cast.relay.program.stop();
      const places = placesStored(cast.dataFolder);
      await cast.end();
      const all = (which: "acked" | "read") => byTalk.flatMap((passed) => passed[which]);
      const facts = { acked: { speakers: all("acked") }, read: { listeners: all("read") }, places };
      const findings = check(
        "steady",
        { ...facts, ...BY_HAND },
        {
          idle: idle.length,
          active: active.length,
          "ack p99 in ms": p99(delays.ackMs),
          "MiB before": Math.round(mibBefore),
          "MiB after": Math.round(mib),
          "descriptors before": fdsBefore,
          "descriptors after": fds,
        },
      );
      expect(findings).toEqual(NONE);
      // Nobody heard of another talk, and each heard its own in the order it was stored.
      expect(byTalk.map(({ read }) => read)).toEqual(byTalk.map(({ acked }) => acked));
      expect(fds).toBeLessThanOrEqual(fdsBefore + 4);
      expect(mib).toBeLessThan(600);
      expectWithin(p99(delays.ackMs), 150);
    },
  );

  test(
    "[S13] a burst of 1,500 messages a second all arrive, once, in order",
    timeoutMs(600_000, 600_000),
    async () => {
      const cast = await startCast();
      const delays = await steady(await talkOf(cast), 1_500, rounds(3, 10));

      const findings = await verdict(cast, "burst", delays, { "ack p99 in ms": p99(delays.ackMs) });
      expect(findings).toEqual(NONE);
      expectWithin(p99(delays.ackMs), 1_000);
    },
  );

  test(
    "[P194] pieces of a stream come in order and once, and durable messages beside them all arrive",
    timeoutMs(600_000, 600_000),
    async () => {
      const cast = await startCast();
      const talk = await talkOf(cast);
      const [perSecond, streams] = [rounds(1_000, 3_000), rounds(1, 15)];
      // One socket for both: of two, the relay gives the conversation to either.
      const lines = { author: talk.receiver, reader: talk.sender };
      const streaming = streamInTurn(cast, lines, perSecond, streams);

      const delays = await steady(talk, 50, (streams * PIECES) / perSecond);
      const heard = await streaming;
      const delayMs = heard.flatMap((stream) => stream.delayMs);

      const findings = await verdict(cast, "deltas", delays, {
        streams,
        deltas: delayMs.length,
        "delta p99 in ms": p99(delayMs),
        "ack p99 in ms": p99(delays.ackMs),
      });
      expect(findings).toEqual(NONE);
      for (const { indexes } of heard) {
        expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
        expect(new Set(indexes).size).toBe(indexes.length);
      }
      expectWithin(p99(delayMs), 200);
      expectWithin(p99(delays.ackMs), 150);
    },
  );

  test(
    "[S13] each of 63 agents in one conversation gets every message once, all in one order",
    timeoutMs(600_000, 600_000),
    async () => {
      const cast = await startCast();
      const crowd = await makeCrowd(cast, 63);
      const conversationId = await makeGroup(cast, crowd);
      const heard = crowd.map((): string[] => []);
      const sockets = await allOnline(cast.relay.url, crowd, (socket, i) =>
        hearMessages(socket, conversationId, (id) => heard[i]?.push(id)),
      );
      const [receiver] = sockets;
      if (receiver === undefined) throw new Error("a crowd has a first");
      const sender = await online(cast.relay.url, cast.person);
      const talk: Talk = { sender, receiver, from: cast.person, conversationId };

      const { acked, ackMs } = await steady(talk, rounds(30, 100), rounds(5, 60));
      await allHave(heard, acked.length);
      await cast.relay.program.stop();
      const places = placesStored(cast.dataFolder);
      await cast.end();

      const read = Object.fromEntries(heard.map((ids, i) => [`agent ${i}`, ids]));
      const findings = check(
        "64 members",
        { acked: { ada: acked }, read, places, ...BY_HAND },
        { "ack p99 in ms": p99(ackMs) },
      );
      expect(findings).toEqual(NONE);
    },
  );

  test(
    "[S13] after a restart a crowd comes back at once, and each is level with what it missed",
    timeoutMs(600_000, 1_200_000),
    async () => {
      const BEHIND = 50;
      const cast = await startCast();
      const crowd = await makeCrowd(cast, rounds(60, 2_000));
      const groups: ConversationId[] = [];
      for (let at = 0; at < crowd.length; at += 60)
        groups.push(await makeGroup(cast, crowd.slice(at, at + 60)));
      const acked: string[][] = [];
      const sender = await online(cast.relay.url, cast.person);
      for (const conversationId of groups) {
        const talk = { sender, receiver: sender, from: cast.person, conversationId };
        acked.push([...(await flood(talk, makeFrames(talk, BEHIND), "unread")).acked]);
      }
      await cast.relay.program.kill();
      await cast.restart();

      const startedAt = performance.now();
      const heard = crowd.map((): string[] => []);
      const sockets = await allOnline(cast.relay.url, crowd, (socket, i) =>
        hearMessages(socket, groups[Math.floor(i / 60)] ?? "", (id) => heard[i]?.push(id)),
      );
      await allHave(heard, BEHIND);
      const levelMs = performance.now() - startedAt;
      for (const socket of sockets) socket.terminate();
      await cast.relay.program.stop();
      const places = placesStored(cast.dataFolder);
      await cast.end();

      const facts = groups.map((_, g) => ({
        acked: { ada: acked[g] ?? [] },
        read: Object.fromEntries(
          heard.slice(g * 60, g * 60 + 60).map((ids, i) => [`agent ${i}`, ids]),
        ),
        places: g === 0 ? places : {},
        ...BY_HAND,
      }));
      const findings = facts.map((one, g) =>
        check(`storm, group ${g}`, one, { "level in ms": Math.round(levelMs) }),
      );
      expect(findings).toEqual(groups.map(() => NONE));
      expectWithin(levelMs, 60_000);
    },
  );
});

/** Hears new messages of a conversation, and acknowledges each. */
function hearMessages(socket: WebSocket, conversationId: string, tell: (id: string) => void): void {
  socket.on("message", (bytes) => {
    const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, string>;
    if (frame["type"] !== "message.new" || frame["conversation_id"] !== conversationId) return;
    tell(frame["client_message_id"] ?? "");
    const seq = frame["conversation_seq"];
    socket.send(JSON.stringify({ type: "message.ack", conversation_id: conversationId, seq }));
  });
}

async function allHave(heard: readonly (readonly string[])[], count: number): Promise<void> {
  await expect
    .poll(() => heard.filter((ids) => ids.length < count).length, { timeout: 400_000 })
    .toBe(0);
}

/** Pieces of one stream: below what one may have. */
const PIECES = 3_000;

type Heard = { readonly indexes: readonly number[]; readonly delayMs: readonly number[] };
type Lines = { readonly author: WebSocket; readonly reader: WebSocket };

/** One stream after the other; what came of each. */
async function streamInTurn(
  cast: Cast,
  lines: Lines,
  perSecond: number,
  streams: number,
): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  for (let i = 0; i < streams; i++) heard.push(await streamOnce(cast, lines, perSecond));
  return heard;
}

/** Streams so many pieces a second; the indexes that came, and how long each was on its way. */
async function streamOnce(
  { agent, conversationId }: Cast,
  { author, reader }: Lines,
  perSecond: number,
): Promise<Heard> {
  const stream_id = anId<StreamId>();
  const sentAt: number[] = [];
  const indexes: number[] = [];
  const delayMs: number[] = [];
  const say = (frame: object): void => author.send(JSON.stringify(frame));
  const [started, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  // A stream that is refused ends the story at once, not at its time limit.
  const fail = (why: string): void => {
    started.reject(new Error(why));
    ended.reject(new Error(why));
  };
  const onAuthor = (bytes: WebSocket.RawData): void => {
    const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, unknown>;
    if (frame["type"] === "error" || frame["type"] === "stream.error")
      fail(`the relay refused: ${JSON.stringify(frame)}`);
    else if (frame["type"] === "stream.ack" && frame["stream_id"] === stream_id) started.resolve();
  };
  const onReader = (bytes: WebSocket.RawData): void => {
    const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, unknown>;
    if (frame["stream_id"] !== stream_id) return;
    if (frame["type"] === "stream.done") ended.resolve();
    if (frame["type"] !== "stream.delta") return;
    const index = Number(frame["index"]);
    indexes.push(index);
    delayMs.push(performance.now() - (sentAt[index] ?? Number.NaN));
  };
  const onClose = (code: number): void => fail(`the author's line ended: ${code}`);
  author.on("message", onAuthor).on("close", onClose);
  reader.on("message", onReader);
  say({ ...aMessage(conversationId, agent), type: "stream.start", stream_id });
  await started.promise;
  const startedAt = performance.now();
  await new Promise<void>((resolve) => {
    const beat = setInterval(() => {
      // After a stall of this process the rest follows piece by piece, not in one heap.
      const due = Math.min(
        ((performance.now() - startedAt) / 1_000) * perSecond,
        PIECES,
        sentAt.length + 10,
      );
      while (sentAt.length < due) {
        const index = sentAt.push(performance.now()) - 1;
        say({
          type: "stream.delta",
          conversation_id: conversationId,
          stream_id,
          index,
          encrypted_payload: "AAAA",
        });
      }
      if (sentAt.length < PIECES) return;
      clearInterval(beat);
      resolve();
    }, 1);
  });
  say({
    ...aMessage(conversationId, agent),
    type: "stream.done",
    stream_id,
    delta_count: sentAt.length,
  });
  await ended.promise;
  author.off("message", onAuthor).off("close", onClose);
  reader.off("message", onReader);
  return { indexes, delayMs };
}
