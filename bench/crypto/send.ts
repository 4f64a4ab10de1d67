/**
 * B12: the agent's CPU for a message of 1 KiB, sealed, framed and sent into a socket; with native primitives and with
 * noble alone, for a session and for a stateless agent, against `OlmMachine.encryptRoomEvent` over the same socket in
 * the same run. Run: `npx node bench/crypto/send.ts`; shorter with BENCH_MESSAGES and BENCH_ROUNDS.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { WebSocket } from "ws";
import { bytesToBase64 } from "#base/base64.ts";
import { systemRandom } from "#base/random.ts";
import { SESSION_MESSAGES } from "#crypto/limits.ts";
import { createPrimitives, type Primitives } from "#crypto/primitives.ts";
import { sealEnvelope } from "#crypto/sender-session.ts";
import { must, recipientOf, START } from "#crypto/vectors/people.ts";
import { machineLine, median, setting, verdict } from "../machine.ts";
import { makePair, openFresh, PAYLOAD_BYTES, sealNext } from "./backlog.ts";
import { createMatrixRoom } from "./matrix-room.ts";

const MESSAGES = setting("BENCH_MESSAGES", 1_280);
const ROUNDS = setting("BENCH_ROUNDS", 5);
const GOAL_MS = 5;
const GOAL_NATIVE_MS = 1;

const sink = fork(new URL("./sink.ts", import.meta.url));
const [port] = (await once(sink, "message")) as [number];
const socket = new WebSocket(`ws://127.0.0.1:${port}`);
await once(socket, "open");

const pair = await makePair();
const native = await createPrimitives({ random: systemRandom });
const noble = await createPrimitives({ random: systemRandom, force: "noble" });
const matrix = await createMatrixRoom(SESSION_MESSAGES);

const sendFrame = (envelope: string, sessionOpen: string | null): Promise<void> =>
  new Promise((resolve, reject) =>
    socket.send(
      JSON.stringify({
        type: "message.send",
        conversation_id: pair.conversation.conversationId,
        client_message_id: pair.world.messageId(),
        encrypted_payload: envelope,
        ...(sessionOpen === null ? {} : { session_open: sessionOpen }),
      }),
      (error) => (error ? reject(error) : resolve()),
    ),
  );

async function bySession(p: Primitives): Promise<void> {
  for (let left = MESSAGES; left > 0; left -= SESSION_MESSAGES) {
    const fresh = await openFresh(pair, p);
    let { session } = fresh;
    for (let i = 0; i < Math.min(left, SESSION_MESSAGES); i++) {
      const sealed = await sealNext(p, session, fresh.messageId);
      ({ session } = sealed);
      await sendFrame(
        bytesToBase64(sealed.envelope),
        i === 0 ? bytesToBase64(fresh.sessionOpen) : null,
      );
    }
  }
}

async function stateless(p: Primitives): Promise<void> {
  const { agent, human, conversation, world } = pair;
  for (let i = 0; i < MESSAGES; i++) {
    const sealed = must(
      await sealEnvelope(p, {
        self: agent.self,
        conversationId: conversation.conversationId,
        ledger: { seq: conversation.seq, head: conversation.head },
        recipients: [recipientOf(human, 2)],
        messageId: world.messageId(),
        contentType: "text",
        payload: p.randomBytes(PAYLOAD_BYTES),
        kind: "content",
        createdAt: START,
      }),
    );
    await sendFrame(bytesToBase64(sealed.envelope), null);
  }
}

async function byMatrix(): Promise<void> {
  const body = "x".repeat(PAYLOAD_BYTES);
  for (let i = 0; i < MESSAGES; i++) await sendFrame(await matrix.encrypt(body), null);
}

const ways = {
  "session, native": () => bySession(native),
  "session, noble alone": () => bySession(noble),
  "stateless to one device, native": () => stateless(native),
  "stateless to one device, noble alone": () => stateless(noble),
  "OlmMachine.encryptRoomEvent": byMatrix,
};

console.log(`B12, ${MESSAGES} messages of ${PAYLOAD_BYTES} B, ${ROUNDS} rounds. ${machineLine()}`);
const cpuMs = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of Object.entries(ways)) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    // The first round warms up.
    if (round > 0) cpuMs.get(name)?.push((user + system) / 1000 / MESSAGES);
  }
}
const of = (name: keyof typeof ways): number => median(cpuMs.get(name) ?? []);
for (const name of Object.keys(ways) as (keyof typeof ways)[])
  console.log(`  ${name.padEnd(38)} ${of(name).toFixed(3).padStart(7)} ms of CPU a message`);
const show = (name: string, value: number, goal: number): void =>
  console.log(
    `  ${name}: ${value.toFixed(3)} ms, goal under ${goal} ms (${(value / goal).toFixed(2)} x): ${verdict(value, goal)}`,
  );
show("session, native", of("session, native"), GOAL_NATIVE_MS);
show("session, noble alone", of("session, noble alone"), GOAL_MS);
console.log(
  `  of the Matrix engine's: native ${(of("session, native") / of("OlmMachine.encryptRoomEvent")).toFixed(2)} x, noble ${(of("session, noble alone") / of("OlmMachine.encryptRoomEvent")).toFixed(2)} x`,
);
sink.send("count");
const [got] = (await once(sink, "message")) as [number];
console.log(
  `  the server got ${got} frames of ${MESSAGES * (ROUNDS + 1) * Object.keys(ways).length}`,
);
socket.close();
sink.kill();
