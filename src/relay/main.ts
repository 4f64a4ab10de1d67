/** The relay's command line. Settings come from PARLEY_* variables; see config.ts. */
import { parseArgs } from "node:util";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import { isUuid, type AgentId } from "#protocol/ids.ts";
import { readConfig, summaryOf, unknownVariables, type Config } from "./config.ts";
import { createJsonLog } from "./json-log.ts";
import { backUp } from "./operation/backup.ts";
import { backUpServer } from "./operation/backup-server.ts";
import { examine } from "./operation/doctor.ts";
import { verifyFolder } from "./operation/verify.ts";
import { createOperator, type Operator } from "./operator.ts";
import { UNFIT_SAYS } from "./postgres/unfit.ts";
import { createRelayServer } from "./relay-server.ts";
import { ConnectionLost, isUnwritable } from "./store/fault.ts";

const USAGE = `Usage: node src/relay/main.ts <command>
  serve                                            run the relay (the default)
  agent create --name <name> [--description <text>] [--suggest <line> …]
  agent list
  agent invite --id <agent id>
  agent token  --id <agent id>                     another token; the old one ends at once
  agent revoke --id <agent id>                     shut the agent out for good
  agent quota  --id <agent id> [--messages-per-second <n>] [--bytes-per-day <n>]
                                                   without a number: what every agent has
  backup --to <folder>                             a copy that a relay can be started on
  move                                             copy a stopped relay's database file into the empty
                                                   PostgreSQL that PARLEY_DATABASE names
  verify                                           read every row and file
  doctor                                           look over settings, folder and database
Commands beside serve work while the relay runs. --json prints one JSON value.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: "string" },
    description: { type: "string", default: "" },
    suggest: { type: "string", multiple: true },
    id: { type: "string" },
    to: { type: "string" },
    "messages-per-second": { type: "string" },
    "bytes-per-day": { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const UNWRITABLE_SAYS =
  "The data folder takes no writes: it must be the relay's own, on a disk that is neither full nor read-only. The doctor says more.";

/** What a command has to say, and the code the program ends with; null: it goes on running. */
type Outcome = { readonly value: unknown; readonly code: 0 | 1 } | null;
type Command = (config: Config) => Promise<Outcome>;

const COMMANDS: Readonly<Record<string, Command>> = {
  "": serve,
  serve,
  "agent create": operating((operator) => {
    const { name, description, suggest } = values;
    return name === undefined ? null : operator.createAgent(name, description, suggest);
  }),
  "agent invite": operating((operator) => withId(operator.createInvite)),
  "agent token": operating((operator) => withId(operator.changeToken)),
  "agent revoke": operating((operator) => withId(operator.revokeAgent)),
  "agent quota": operating((operator) => {
    const messagesPerSecond = numberOf(values["messages-per-second"]);
    const dailyBytes = numberOf(values["bytes-per-day"]);
    return messagesPerSecond === undefined || dailyBytes === undefined
      ? null
      : withId((id) => operator.limitAgent(id, { messagesPerSecond, dailyBytes }));
  }),
  async "agent list"(config) {
    const operator = await createOperator(
      config.dataFolder,
      systemClock,
      systemRandom,
      config.database ?? null,
    );
    const agents = await operator.agents();
    await operator.close();
    return { value: agents, code: 0 };
  },
  async backup({ dataFolder, database = null }) {
    if (values.to === undefined) return usage();
    const done =
      database === null
        ? await backUp(dataFolder, values.to)
        : await backUpServer(dataFolder, database, values.to);
    return { value: done.ok ? done.value : done.failure, code: done.ok ? 0 : 1 };
  },
  async move({ dataFolder, database = null }) {
    if (database === null) return usage();
    const { moveToServer } = await import("./operation/move.ts");
    const done = await moveToServer(dataFolder, database);
    return { value: done.ok ? done.value : done.failure, code: done.ok ? 0 : 1 };
  },
  async verify({ dataFolder, database = null }) {
    const verified = await verifyFolder(dataFolder, database);
    return { value: verified, code: verified.damage.length === 0 ? 0 : 1 };
  },
  async doctor(config) {
    const findings = await examine(config);
    return { value: findings, code: findings.some(({ level }) => level === "fail") ? 1 : 0 };
  },
};

const config = readConfig(process.env);
if (!config.ok) {
  for (const { name, rule } of config.failure) console.error(`${name} must be ${rule}.`);
  process.exit(2);
}
const command = COMMANDS[positionals.join(" ")];
const outcome = command === undefined ? usage() : await command(config.value).catch(refuseToStart);
if (outcome !== null) {
  print(outcome.value);
  process.exitCode = outcome.code;
}

async function serve(options: Config): Promise<Outcome> {
  const log = createJsonLog((line) => console.error(line), systemClock, options.logLevel);
  log.info("config.read", summaryOf(options));
  for (const name of unknownVariables(process.env)) log.warn("config.unknown", { name });
  const relay = await createRelayServer({ ...options, log });
  console.log(`Parley relay is ready at ${relay.url}, data in ${options.dataFolder}`);
  // A launcher that forked this process waits for the address.
  process.send?.({ url: relay.url });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void relay.close().then(() => process.exit(0));
  };
  process.on("disconnect", stop);
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return null;
}

// What an operator can put right is a sentence; everything else is a bug and shows where it is.
async function refuseToStart(fault: unknown): Promise<never> {
  const { UnfitDatabase } = await import("./postgres/session.ts");
  if (fault instanceof UnfitDatabase) console.error(UNFIT_SAYS[fault.because]);
  else if (fault instanceof ConnectionLost) console.error("The database server does not answer.");
  else if (isUnwritable(fault)) console.error(UNWRITABLE_SAYS);
  else throw fault;
  process.exit(1);
}

/** A command upon the database; a task that is null lacks an argument. */
function operating(
  task: (operator: Operator) => Promise<Result<object, { readonly code: string }>> | null,
): Command {
  return async ({ dataFolder, database = null }) => {
    const operator = await createOperator(dataFolder, systemClock, systemRandom, database);
    const running = task(operator);
    const done = running === null ? null : await running;
    await operator.close();
    if (done === null) return usage();
    return done.ok
      ? { value: done.value, code: 0 }
      : { value: { refused: done.failure.code }, code: 1 };
  };
}

function withId<Value>(task: (id: AgentId) => Value): Value | null {
  return isUuid(values.id) ? task(values.id as string as AgentId) : null;
}

/** A positive number; null: none was given; undefined: it is none. */
function numberOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return null;
  const number = Number(text);
  return Number.isFinite(number) && number > 0 ? number : undefined;
}

function usage(): never {
  console.error(USAGE);
  process.exit(2);
}

function print(value: unknown): void {
  if (values.json) console.log(JSON.stringify(value));
  else for (const row of Array.isArray(value) ? (value as unknown[]) : [value]) printRow(row);
}

function printRow(row: unknown): void {
  const pairs = Object.entries(row as object).map(
    ([name, value]) =>
      `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`,
  );
  console.log(pairs.join("\n") + (pairs.length > 2 ? "\n" : ""));
}
