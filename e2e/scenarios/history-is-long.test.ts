import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type WebSocket from "ws";
import { MAX_UNREAD_COUNT } from "../../src/protocol/limits.ts";
import { DATABASE_FILE } from "../../src/relay/data-folder.ts";
import { open, online, startCast, verified, type Cast } from "../world/cast.ts";
import { isSoak, rounds, timeoutMs } from "../world/profile.ts";
import { flood, makeFrames, p99 } from "../world/talk.ts";

const ENTRIES = rounds(50_000, 1_000_000);
const TRIES = rounds(20, 100);
const PAGE = 100;
/** Of the last entries so many have not come yet to who resumes. */
const BEHIND = 10;

/** Puts copies of the second entry behind it until there are so many, past the relay, which has ended. */
function grow({ dataFolder, conversationId }: Cast, entries: number): void {
  const db = new DatabaseSync(join(dataFolder, DATABASE_FILE));
  db.exec("PRAGMA synchronous = OFF; BEGIN");
  db.prepare(
    `WITH RECURSIVE place(n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM place WHERE n < ?)
     INSERT INTO entry (conv, seq, msg_id, sender_id, sender_type, sender_dev, kind, meta, body, hash, counts, at)
     SELECT conv, n, printf('01900000-0000-7000-8000-%012x', n), sender_id, sender_type, sender_dev, kind, meta,
       body, hash, counts, at
     FROM place, entry WHERE conv = ? AND seq = 2`,
  ).run(entries, conversationId);
  db.prepare("UPDATE conv SET next_seq = ? WHERE id = ?").run(entries + 1, conversationId);
  db.exec("COMMIT");
  db.close();
}

type Json = { readonly data: any; readonly next_cursor: string | null };

async function get(cast: Cast, path: string): Promise<{ body: Json; ms: number }> {
  const startedAt = performance.now();
  const headers = { authorization: `Bearer ${cast.person.token}` };
  const answer = await fetch(`${cast.relay.url}${path}`, { headers });
  const body = (await answer.json()) as Json;
  return { body, ms: performance.now() - startedAt };
}

const heard = (
  socket: WebSocket,
  holds: (frame: Record<string, any>) => boolean,
): Promise<Record<string, any>> =>
  new Promise((resolve) => {
    const hear = (bytes: WebSocket.RawData): void => {
      const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, any>;
      if (!holds(frame)) return;
      socket.off("message", hear);
      resolve(frame);
    };
    socket.on("message", hear);
  });

/** Signs in and says how far it is; what it is answered, what is pushed then, and how long the answer took. */
async function resume(cast: Cast, cursor: number) {
  const socket = await open(`${cast.relay.url.replace("http", "ws")}/ws/human`, cast.relay.url);
  const signedIn = heard(socket, ({ type }) => type === "auth.ok");
  socket.send(JSON.stringify({ type: "auth", token: cast.person.token }));
  await signedIn;
  const seqs: number[] = [];
  socket.on("message", (bytes) => {
    const frame = JSON.parse((bytes as Buffer).toString()) as Record<string, any>;
    if (frame["type"] === "message.new") seqs.push(frame["conversation_seq"] as number);
  });
  const answered = heard(socket, ({ type }) => type === "resume.ok");
  const startedAt = performance.now();
  const cursors = { [cast.conversationId]: cursor };
  socket.send(JSON.stringify({ type: "resume", log_epoch: null, cursors }));
  const answer = await answered;
  const ms = performance.now() - startedAt;
  const level = heard(socket, ({ type }) => type === "pong");
  socket.send(JSON.stringify({ type: "ping", t: 1 }));
  await level;
  socket.terminate();
  return { answer, seqs, ms };
}

test(
  `[S13] [P114] in a conversation of ${ENTRIES} entries pages, resumes and unread counts are right and quick`,
  timeoutMs(600_000, 1_800_000),
  async () => {
    const cast = await startCast();
    const { conversationId } = cast;
    const fromAgent = {
      sender: await online(cast.relay.url, cast.agent),
      receiver: await online(cast.relay.url, cast.person),
      from: cast.agent,
      conversationId,
    };
    await flood(fromAgent, makeFrames(fromAgent, 1));
    await cast.relay.program.stop();
    grow(cast, ENTRIES);
    await cast.restart();

    const [pageMs, resumeMs, listMs] = [[] as number[], [] as number[], [] as number[]];
    for (let i = 0; i < TRIES; i++) {
      const before = Math.floor((ENTRIES * (i + 1)) / TRIES);
      const path = `/conversations/${conversationId}/messages?before=${before}&limit=${PAGE}`;
      const page = await get(cast, path);
      pageMs.push(page.ms);
      expect(page.body.data.map((frame: any) => frame.conversation_seq)).toEqual(
        Array.from({ length: PAGE }, (_, k) => before - PAGE + k),
      );
      const { answer, seqs, ms } = await resume(cast, ENTRIES - BEHIND);
      resumeMs.push(ms);
      expect(answer["conversations"]).toMatchObject([{ last_seq: ENTRIES, pushed: true }]);
      expect(seqs).toEqual(Array.from({ length: BEHIND }, (_, k) => ENTRIES - BEHIND + 1 + k));
      const list = await get(cast, "/conversations");
      listMs.push(list.ms);
      expect(list.body.data[0].unread_count).toBe(MAX_UNREAD_COUNT);
    }
    const far = await resume(cast, 1);
    expect(far.answer["conversations"]).toMatchObject([{ last_seq: ENTRIES, pushed: false }]);
    expect(far.seqs).toEqual([]);

    await cast.relay.program.stop();
    const { entries, damage } = verified(cast.dataFolder);
    await cast.end();
    console.log(
      `a long history: entries ${entries}, page p99 ${p99(pageMs)} ms, resume p99 ${p99(resumeMs)} ms, ` +
        `list with unread p99 ${p99(listMs)} ms, damage ${damage.length}`,
    );
    expect({ entries, damage }).toEqual({ entries: ENTRIES, damage: [] });
    // Times are this machine's; a soak has it to itself.
    if (isSoak) expect([p99(pageMs) < 100, p99(resumeMs) < 100]).toEqual([true, true]);
  },
);
