/** B11: appends a second of two relays on one PostgreSQL against one, many conversations, in turn in one run. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startProgram } from "../../e2e/world/processes.ts";
import { startPostgres, startRedis } from "../../src/sdk/shared/real-servers.contract.ts";
import { freePort } from "../../src/start/free-port.ts";
import { median, setting } from "../machine.ts";
import { report } from "../report.ts";
import { makeWriter, write, type Writer } from "./writers.ts";

const GOAL = 1.6;
const WRITERS = setting("BENCH_WRITERS", 32);
const IN_FLIGHT = 8;
const SECONDS = setting("BENCH_SECONDS", 5);
const ROUNDS = setting("BENCH_ROUNDS", 3);
const MUCH = "1000000/1000000";
const RELAY = "src/relay/main.ts";

if (startPostgres === null || startRedis === null)
  throw new Error(
    "PostgreSQL and Redis have to be installed: apt-get install postgresql redis-server",
  );
const [postgres, redis] = await Promise.all([
  startPostgres(["fsync=on", "max_connections=200"]),
  startRedis(),
]);
const folder = mkdtempSync(join(tmpdir(), "parley-bench-"));
const port = await freePort();
const environment = {
  PARLEY_DATA: folder,
  PARLEY_DATABASE: postgres.address,
  PARLEY_REDIS: redis.address,
  PARLEY_KEY: randomBytes(32).toString("base64"),
  PARLEY_RATES: ["register", "humanMessages", "rest", "restByAddress", "frames"]
    .map((name) => `${name}=${MUCH}`)
    .join(","),
};

async function startRelays(count: number) {
  const relays = [];
  for (let i = 0; i < count; i++) {
    const own = i === 0 ? port : await freePort();
    const url = `http://127.0.0.1:${own}`;
    const env = { ...environment, PARLEY_PORT: String(own), PARLEY_ORIGIN: url };
    relays.push({ url, program: await startProgram(RELAY, env, join(folder, "programs.log")) });
  }
  return relays;
}

async function provision(): Promise<readonly Writer[]> {
  const [relay] = await startRelays(1);
  if (relay === undefined) throw new Error("a relay");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [RELAY, "agent", "create", "--name", "Sink", "--json"],
    { env: { ...process.env, ...environment } },
  );
  const { invite_code } = JSON.parse(stdout) as { invite_code: string };
  const writers: Writer[] = [];
  for (let i = 0; i < WRITERS; i++) writers.push(await makeWriter(relay.url, invite_code));
  await relay.program.stop();
  return writers;
}

/** Appends a second, all writers at once, spread over so many relays. */
async function measure(count: number, writers: readonly Writer[]): Promise<number> {
  const relays = await startRelays(count);
  const acked = await Promise.all(
    writers.map((writer, i) =>
      write(relays[i % count]?.url ?? "", writer, IN_FLIGHT, SECONDS * 1_000),
    ),
  );
  for (const { program } of relays) await program.stop();
  return acked.reduce((sum, one) => sum + one, 0) / SECONDS;
}

const [one, two]: [number[], number[]] = [[], []];
for (let round = 0; round < ROUNDS; round++) {
  // Access tokens live five minutes.
  const writers = await provision();
  one.push(await measure(1, writers));
  two.push(await measure(2, writers));
  console.log(
    `round ${round + 1}: one relay ${one.at(-1)?.toFixed(0)} appends/s, two ${two.at(-1)?.toFixed(0)}`,
  );
}
const ratio = median(two) / median(one);
report({
  id: "B11",
  question: `two relays on one PostgreSQL, ${WRITERS} conversations, ${IN_FLIGHT} messages of 1 KiB under way in each`,
  figure: `${median(two).toFixed(0)} appends/s`,
  peer: `one relay on the same PostgreSQL: ${median(one).toFixed(0)} appends/s`,
  ratio,
  goal: `at least ${GOAL} x, on a machine with cores to spare; here are ${availableParallelism()}`,
  isMet: ratio >= GOAL,
});
await Promise.all([postgres.stop(), redis.stop()]);
rmSync(folder, { recursive: true, force: true });
