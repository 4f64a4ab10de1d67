/**
 * B10: what an idle socket costs, and whether 10,000 fit into one process. Agents sign in, three sockets each; the cost
 * is the growth of the relay's resident memory from the first step to the last, each after a garbage collection; kernel
 * buffers are left out.
 * Run: node bench/relay/idle.ts (needs `ulimit -n` above 10,100)
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import { startProgram } from "../../e2e/world/processes.ts";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { DeviceId } from "../../src/protocol/ids.ts";
import { MAX_SOCKETS_PER_AGENT } from "../../src/protocol/limits.ts";
import type { Account } from "../../src/relay/hand-made.contract.ts";
import { createOperator } from "../../src/relay/operator.ts";
import { freePort } from "../../src/start/free-port.ts";
import { report, thousands } from "../report.ts";
import { online } from "../../e2e/world/cast.ts";

const WANTED = 10_000;
const STEP = 2_000;
/** Below the number of sockets that one address may have open without having signed in. */
const AT_ONCE = 40;
/** Descriptors of a process beside its sockets. */
const OTHERS = 100;

// Idle sockets ask nothing of a disk, and agents are made faster in memory.
const root = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const dataFolder = mkdtempSync(join(root, "parley-bench-"));
const limit = Number(
  execFileSync("sh", ["-c", "ulimit -n"]).toString().replace("unlimited", "1e9"),
);
const count = Math.min(WANTED, limit - OTHERS);

const inspectPort = await freePort();
const relay = await startProgram(
  "src/relay/main.ts",
  { PARLEY_PORT: "0", PARLEY_DATA: dataFolder },
  join(dataFolder, "programs.log"),
  [`--inspect=127.0.0.1:${inspectPort}`],
);
const { url } = relay.greeting as { readonly url: string };
const garbage = await connectInspector(inspectPort);
const agents = await makeAgents(Math.ceil(count / MAX_SOCKETS_PER_AGENT));
const sockets: WebSocket[] = [];
const grown: { readonly sockets: number; readonly bytes: number }[] = [];
while (sockets.length < count) {
  const target = Math.min(sockets.length + STEP, count);
  while (sockets.length < target) {
    const some = Math.min(AT_ONCE, target - sockets.length);
    const first = sockets.length;
    sockets.push(
      ...(await Promise.all(
        Array.from({ length: some }, (_, i) => {
          const agent = agents[Math.floor((first + i) / MAX_SOCKETS_PER_AGENT)];
          if (agent === undefined) throw new Error("an agent for every three sockets");
          return online(url, agent);
        }),
      )),
    );
  }
  await garbage.run();
  grown.push({ sockets: sockets.length, bytes: residentBytes(relay.pid) });
  console.log(
    `    ${thousands(sockets.length)} sockets, ${mib(grown.at(-1)?.bytes ?? 0)} resident`,
  );
}

const answered = await answers();
const [first, last] = [grown[0], grown.at(-1)];
const each =
  ((last?.bytes ?? 0) - (first?.bytes ?? 0)) / ((last?.sockets ?? 0) - (first?.sockets ?? 0));
report({
  id: "B10",
  question: "idle sockets that have signed in, on one process",
  figure: `${(each / 1_024).toFixed(1)} KiB each; ${thousands(answered)} of ${thousands(count)} answer a ping; ${mib(last?.bytes ?? 0)} resident`,
  goal: `10 KB each or less, ${thousands(WANTED)} on one process`,
  isMet: each <= 10_000 && answered >= WANTED,
});
for (const socket of sockets) socket.terminate();
garbage.end();
await relay.stop();
rmSync(dataFolder, { recursive: true });

/** What makes the relay collect its garbage, over the debugger's protocol. */
async function connectInspector(port: number): Promise<{ run(): Promise<void>; end(): void }> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
    readonly webSocketDebuggerUrl: string;
  }[];
  const inspector = new WebSocket(target?.webSocketDebuggerUrl ?? "");
  await new Promise((resolve) => inspector.once("open", resolve));
  return {
    async run() {
      inspector.send('{"id":1,"method":"HeapProfiler.collectGarbage"}');
      await new Promise((resolve) => inspector.once("message", resolve));
    },
    end: () => inspector.terminate(),
  };
}

async function makeAgents(number: number): Promise<readonly Account[]> {
  const operator = await createOperator(dataFolder, systemClock, systemRandom);
  const made: Account[] = [];
  for (let i = 0; i < number; i++) {
    const agent = await operator.createAgent(`Agent ${i}`, "");
    if (!agent.ok) throw new Error(agent.failure.code);
    const { agent_id: id, token } = agent.value;
    made.push({ type: "agent", id, deviceId: id as string as DeviceId, token });
  }
  await operator.close();
  return made;
}

/** How many sockets still answer. */
async function answers(): Promise<number> {
  let heard = 0;
  await new Promise<void>((resolve) => {
    const giveUp = setTimeout(resolve, 60_000);
    for (const socket of sockets) {
      socket.once("message", () => {
        if (++heard < sockets.length) return;
        clearTimeout(giveUp);
        resolve();
      });
      socket.send('{"type":"ping","t":1}');
    }
  });
  return heard;
}

function residentBytes(pid: number): number {
  const [, kib = "0"] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1_024;
}

function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(0)} MiB`;
}
