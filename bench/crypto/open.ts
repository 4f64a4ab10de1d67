/**
 * B1: opening a backlog of stored messages of 1 KiB (unwrap, open, verify each signature) in two workers, against the
 * same in noble alone in one worker, and against `OlmMachine.decryptRoomEvent`, in the same run. Medians of
 * interleaved rounds. Run: `npx node bench/crypto/open.ts`; shorter with BENCH_MESSAGES and BENCH_ROUNDS.
 */
import { Worker } from "node:worker_threads";
import { SESSION_MESSAGES } from "#crypto/limits.ts";
import { machineLine, median, setting, verdict } from "../machine.ts";
import { makeBacklog, makePair, PAYLOAD_BYTES, type StoredSession } from "./backlog.ts";
import { createMatrixRoom } from "./matrix-room.ts";
import type { OpenCall, OpenTask } from "./open-worker.ts";

const MESSAGES = setting("BENCH_MESSAGES", 10_000);
const ROUNDS = setting("BENCH_ROUNDS", 3);
const GOAL_NOBLE = 0.1;
const GOAL_MATRIX = 4;

const nextOf = (worker: Worker): Promise<unknown> =>
  new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });

async function startWorkers(force: "noble" | null, parts: readonly (readonly StoredSession[])[]) {
  const workers = parts.map((sessions) => {
    const workerData: OpenTask = { force, sessions };
    return new Worker(new URL("./open-worker.ts", import.meta.url), { workerData });
  });
  await Promise.all(workers.map(nextOf));
  return {
    /** Resolves when the last worker is done. */
    async run(call: OpenCall): Promise<void> {
      for (const worker of workers) worker.postMessage(call);
      await Promise.all(workers.map(nextOf));
    },
    end: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

console.log(`B1, ${MESSAGES} messages of ${PAYLOAD_BYTES} B, ${ROUNDS} rounds. ${machineLine()}`);
const sessions = await makeBacklog(await makePair(), MESSAGES);
const half = Math.ceil(sessions.length / 2);
const ours = await startWorkers(null, [sessions.slice(0, half), sessions.slice(half)]);
const oneNative = await startWorkers(null, [sessions]);
const noble = await startWorkers("noble", [sessions]);
const matrix = await createMatrixRoom(SESSION_MESSAGES);
const events: string[] = [];
for (let i = 0; i < MESSAGES; i++) events.push(await matrix.encrypt("x".repeat(PAYLOAD_BYTES)));

type Way = "two" | "one" | "noble" | "matrix" | "join";
const walls = new Map<Way, number[]>();
const cpus = new Map<Way, number[]>();
/** Wall time, and the processor time of the whole process: on a busy machine only the latter can be compared. */
async function measure(way: Way, task: () => Promise<unknown>): Promise<void> {
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  await task();
  const { user, system } = process.cpuUsage(before);
  walls.set(way, [...(walls.get(way) ?? []), performance.now() - startedAt]);
  cpus.set(way, [...(cpus.get(way) ?? []), (user + system) / 1000]);
}
for (let round = 0; round < ROUNDS; round++) {
  await measure("two", () => ours.run("open"));
  await measure("one", () => oneNative.run("open"));
  await measure("noble", () => noble.run("open"));
  await measure("matrix", async () => {
    for (const event of events) await matrix.decrypt(event);
  });
  await measure("join", () => ours.run("join"));
}
await Promise.all([ours.end(), oneNative.end(), noble.end()]);

const wall = (way: Way): number => median(walls.get(way) ?? []);
const cpu = (way: Way): number => median(cpus.get(way) ?? []);
const line = (name: string, way: Way): void =>
  console.log(
    `  ${name.padEnd(40)} ${wall(way).toFixed(0).padStart(7)} ms, ${((MESSAGES / wall(way)) * 1000).toFixed(0).padStart(6)} messages/s, ${(cpu(way) / MESSAGES).toFixed(3)} ms of CPU each`,
  );
line("ours, two workers", "two");
line("ours, one worker", "one");
line("noble alone, one worker", "noble");
line("OlmMachine.decryptRoomEvent, one thread", "matrix");
console.log(
  `  joining the ${sessions.length} sessions comes on top: ${wall("join").toFixed(0)} ms`,
);
const show = (name: string, ratio: number, goal: number, least: boolean): void =>
  console.log(
    `  ${name}: ${ratio.toFixed(3)} x, goal at ${least ? "least" : "most"} ${goal}: ${verdict(ratio, goal, least)}`,
  );
show("time of noble alone", wall("two") / wall("noble"), GOAL_NOBLE, false);
show("messages/s of the Matrix engine", wall("matrix") / wall("two"), GOAL_MATRIX, true);
console.log("  the same from CPU time, for two workers that have a core each:");
show("  time of noble alone", cpu("one") / 2 / cpu("noble"), GOAL_NOBLE, false);
show("  messages/s of the Matrix engine", (2 * cpu("matrix")) / cpu("one"), GOAL_MATRIX, true);
