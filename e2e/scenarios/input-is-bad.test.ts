import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { createSeededRandom } from "../../src/base/seeded-random.ts";
import { check, NONE, placesKept, textsAcked, textsTold } from "../world/checker.ts";
import { provisionAgent } from "../world/agent-process.ts";
import { answered, ask, provisionCountingAgent } from "../world/counted-work.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { setupStage, type Stage } from "../world/stage.ts";

const MIB = 1_024 * 1_024;
const filler = (sizeBytes: number): string => "a".repeat(sizeBytes);
const ID = "01900000-0000-7000-8000-000000000001";

/** Frames nobody should send. */
const FRAMES: Readonly<Record<string, string | Buffer>> = {
  "0 bytes": "",
  "1 byte": "x",
  "64 KiB": filler(65_536),
  "1 MiB less one byte": filler(MIB - 1),
  "1 MiB": filler(MIB),
  "1 MiB and one byte": filler(MIB + 1),
  "100 MiB": Buffer.alloc(100 * MIB, "a"),
  "100,000 brackets": "[".repeat(100_000),
  "100,000 objects": `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
  "half a surrogate pair": '{"type":"auth","token":"\\ud800"}',
  "bytes that are no text": Buffer.from([0xc3, 0x28, 0xff]),
  NUL: '{"type":"message.send","conversation_id":"\\u0000","client_message_id":"\\u0000"}',
  "a prototype": '{"__proto__":{"type":"auth"},"constructor":{"prototype":{"type":"auth"}}}',
  "a number as id": `{"type":"message.ack","conversation_id":NaN,"seq":1}`,
  "an endless number": `{"type":"message.ack","conversation_id":"${ID}","seq":1e999}`,
  "a place below zero": `{"type":"message.ack","conversation_id":"${ID}","seq":-1}`,
  "a million cursors": `{"type":"resume","log_epoch":null,"cursors":{${Array.from({ length: 40_000 }, (_, i) => `"${i}":1`).join(",")}}}`,
};

/** A socket that signs in as an agent, or does not. */
async function openSocket(
  url: string,
  account: { readonly token: string; readonly id: string } | null,
): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/agent`, { maxPayload: 2 * MIB });
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("open", resolve));
  if (account === null) return socket;
  socket.send(JSON.stringify({ type: "auth", token: account.token, agent_id: account.id }));
  await new Promise((resolve) => socket.once("message", resolve));
  return socket;
}

/** What the relay makes of a frame: closes, complains, or passes it over and answers the ping behind it. */
async function fateOf(socket: WebSocket, frame: string | Buffer): Promise<string> {
  const fate = new Promise<string>((resolve) => {
    socket.on("message", (text) => {
      const { type, code } = JSON.parse(String(text)) as { type: string; code?: string };
      if (type === "pong") resolve("passed over");
      if (type === "error") resolve(String(code));
    });
    socket.once("close", (code) => resolve(`closed ${code}`));
  });
  socket.send(frame, { binary: false }, () => {});
  socket.send('{"type":"ping","t":1}', () => {});
  const ended = await fate;
  socket.terminate();
  return ended;
}

/** A frame with some of its bytes changed, the same for the same seed. */
function mutated(frame: string, seed: number): Buffer {
  const random = createSeededRandom(seed);
  const bytes = Buffer.from(frame);
  for (const [i, byte] of random(8).entries()) {
    const at = (byte * 257 + i) % bytes.length;
    if (byte < 160) bytes[at] = random(1)[0] ?? 0;
  }
  return bytes;
}

const VALID = [
  `{"type":"message.send","conversation_id":"${ID}","client_message_id":"${ID}","encrypted_payload":"AAAA"}`,
  `{"type":"message.ack","conversation_id":"${ID}","seq":12}`,
  `{"type":"resume","log_epoch":null,"cursors":{"${ID}":4}}`,
  `{"type":"stream.delta","conversation_id":"${ID}","stream_id":"${ID}","index":0,"encrypted_payload":"AAAA"}`,
  `{"type":"typing","conversation_id":"${ID}","typing":true}`,
];

/** Bad bodies and paths over REST; the statuses they got. */
async function askBadly(url: string): Promise<readonly number[]> {
  const bodies = Object.values(FRAMES).filter((frame) => frame.length < 2 * MIB);
  const paths = [
    "/auth/register",
    "/auth/login",
    "/auth/challenge",
    "/groups",
    "/contacts/requests",
    "/invites/__proto__/accept",
    "/conversations/constructor/messages?after=NaN&limit=-1",
    "/files/%00",
    "/users/%ff%fe",
  ];
  const statuses: number[] = [];
  for (const path of paths)
    for (const body of bodies) {
      const answer = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: body as BodyInit,
      });
      await answer.arrayBuffer();
      statuses.push(answer.status);
    }
  return statuses;
}

const isHealthy = async (stage: Stage): Promise<boolean> =>
  (await fetch(`${stage.world.url}/health`)).ok;

test(
  "[P261] input nobody should send is refused one by one, and those who talk meanwhile notice nothing",
  timeoutMs(600_000, 1_800_000),
  async () => {
    const stage = await setupStage();
    const agent = await provisionCountingAgent(stage);
    const process = await agent.start();
    const ada = await stage.world.person();
    const conversationId = await stage.world.meet(ada, agent.account);
    const mallory = await provisionAgent(stage.dataFolder, stage.agentFolder);
    const account = { token: mallory.token, id: mallory.endpoint.accountId };
    const asked: string[] = [];
    const over = new AbortController();
    const talk = (async () => {
      for (let i = 0; !over.signal.aborted; i++) {
        asked.push(await ask(ada, conversationId, `meanwhile ${i}`));
        await answered(ada, asked.slice(-1));
      }
    })();

    const fates: Record<string, string> = {};
    for (const [name, frame] of Object.entries(FRAMES)) {
      fates[`${name}, by a stranger`] = await fateOf(
        await openSocket(stage.world.url, null),
        frame,
      );
      fates[`${name}, signed in`] = await fateOf(await openSocket(stage.world.url, account), frame);
    }
    const mutations = rounds(150, 10_000);
    for (let seed = 0; seed < mutations; seed++) {
      const frame = mutated(VALID[seed % VALID.length] ?? "", seed);
      await fateOf(await openSocket(stage.world.url, account), frame);
    }
    const statuses = await askBadly(stage.world.url);
    expect(await isHealthy(stage)).toBe(true);

    over.abort();
    await talk;
    const places = { "ada's disk": await placesKept(ada, conversationId) };
    const done = agent.done().map(({ text }) => text);
    await process.kill();
    const stored = await stage.curtain();
    await stage.end();
    const findings = check(
      "bad input",
      {
        acked: { ada: textsAcked(ada), "the agent": asked.map((text) => `done: ${text}`) },
        read: { ada: textsTold(ada) },
        work: { asked, done },
        places: { ...places, ...stored.places },
        left: stored.left,
      },
      { frames: Object.keys(fates).length, mutations, requests: statuses.length },
    );
    expect(findings).toEqual(NONE);
    expect(statuses.filter((status) => status < 400 || status >= 500)).toEqual([]);
    expect(Object.entries(fates).filter(([, fate]) => fate === "passed over")).toEqual([]);
  },
);
