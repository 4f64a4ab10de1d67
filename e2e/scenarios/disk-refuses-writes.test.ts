import { expect, test } from "vitest";
import type WebSocket from "ws";
import { online, startCast } from "../world/cast.ts";
import { BY_HAND, check, NONE, placesStored } from "../world/checker.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { canTrace, refuseWrites } from "../world/system-calls.ts";
import { flood, makeFrames, type Said } from "../world/talk.ts";

const TURNS = rounds(2, 20);
const MESSAGES = 50;

/** Sends all of it at once; the codes of the refusals, when each has an answer. */
const refusals = (socket: WebSocket, frames: readonly Said[]): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const codes: string[] = [];
    const hear = (bytes: WebSocket.RawData): void => {
      const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, string>;
      if (frame["type"] === "message.ack") codes.push("acked");
      if (frame["type"] === "error") codes.push(frame["code"] ?? "");
      if (codes.length < frames.length) return;
      socket.off("message", hear);
      resolve(codes);
    };
    socket.on("message", hear);
    for (const { text } of frames) socket.send(text);
  });

const isTraced = canTrace();

const KINDS = [
  { because: "read-only", code: "STORAGE_FAILED" },
  { because: "full", code: "STORAGE_FULL" },
] as const;

test.runIf(isTraced).each(KINDS)(
  `[R55] [S17] [R11] a file system that is $because ${TURNS} times refuses writes and nothing else, and takes them again without a restart`,
  timeoutMs(600_000, 1_800_000),
  async ({ because, code }) => {
    const cast = await startCast();
    const { relay, person, conversationId } = cast;
    const talk = {
      sender: await online(relay.url, person),
      receiver: await online(relay.url, cast.agent),
      from: person,
      conversationId,
    };
    const statusOf = async (path: string): Promise<number> => {
      const headers = { authorization: `Bearer ${person.token}` };
      const answer = await fetch(`${relay.url}${path}`, { headers });
      await answer.text();
      return answer.status;
    };
    const [acked, read] = [[] as string[], [] as string[]];
    const said: unknown[] = [];

    for (let turn = 0; turn < TURNS; turn++) {
      const before = await flood(talk, makeFrames(talk, MESSAGES));
      const turnBack = await refuseWrites(relay.program.pid, because);
      const refused = makeFrames(talk, MESSAGES);
      const codes = await refusals(talk.sender, refused);
      const history = `/conversations/${conversationId}/messages?after=0&limit=10`;
      said.push({
        codes: [...new Set(codes)],
        ready: await statusOf("/ready"),
        live: await statusOf("/live"),
        history: await statusOf(history),
      });
      await turnBack();
      const again = await flood(talk, refused);
      for (const passed of [before, again]) {
        acked.push(...passed.acked);
        read.push(...passed.read);
      }
    }

    expect(await statusOf("/ready")).toBe(200);
    await relay.program.stop();
    const places = placesStored(cast.dataFolder);
    await cast.end();
    const facts = { acked: { ada: acked }, read: { "the agent": read }, places, ...BY_HAND };
    expect(check(`disk ${because}`, facts, { turns: TURNS })).toEqual(NONE);
    const refusal = { codes: [code], ready: 503, live: 200, history: 200 };
    expect(said).toEqual(Array.from({ length: TURNS }, () => refusal));
  },
);
