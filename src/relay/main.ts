/** The relay's command line. Settings come from PARLEY_* variables; see config.ts. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import { readConfig, summaryOf, unknownVariables, type Config } from "./config.ts";
import { DATABASE_FILE } from "./data-folder.ts";
import { inviteLink } from "./invite-link.ts";
import { createJsonLog } from "./json-log.ts";
import { backUp } from "./operation/backup.ts";
import { backUpServer } from "./operation/backup-server.ts";
import { readCommandLine, type CommandName, type Given } from "./operation/command-line.ts";
import { examine } from "./operation/doctor.ts";
import { sentenceOf, sentenceOfFault } from "./operation/sentences.ts";
import { verifyFolder } from "./operation/verify.ts";
import { createOperator, type Operator } from "./operator.ts";
import { createRelayServer } from "./relay-server.ts";
import { isUnwritable } from "./store/fault.ts";

/** `unwritable` as in sysexits.h: another start would end the same way, so what restarts programs is to leave it down. */
const EXIT = { done: 0, failed: 1, usage: 2, unwritable: 73 } as const;

/** What a command has to say: a value, with lines for people where it is no table of facts; or why it did nothing. */
type Outcome =
  | { readonly value: unknown; readonly lines?: readonly string[]; readonly isBad?: boolean }
  | { readonly refused: { readonly code: string } };
/** Null: it goes on running. */
type Command = (config: Config, given: Given) => Promise<Outcome | null>;

const NO_DATABASE: Outcome = { refused: { code: "relay/no-database" } };

const COMMANDS: Readonly<Record<CommandName, Command>> = {
  serve,
  async "agent create"(config, given) {
    if (!hasDatabase(config)) console.error(`A new database is made in ${config.dataFolder}.`);
    return operating(config, async (operator) =>
      outcomeOf(await operator.createAgent(given.name, given.description, given.suggest)),
    );
  },
  "agent list": upon(async (operator) => ({ value: await operator.agents() })),
  "agent invite": upon(async (operator, { id, fingerprint }, { origins }) => {
    const invited = await operator.createInvite(id);
    if (!invited.ok || fingerprint === null) return outcomeOf(invited);
    const { invite_code: code } = invited.value;
    return { value: { ...invited.value, link: linkTo(origins, { code, fingerprint }) } };
  }),
  "agent offer": upon(async (operator, { id, fingerprint }, { origins }) => {
    const offered = await operator.offerAgent(id, fingerprint ?? "");
    if (!offered.ok) return outcomeOf(offered);
    const link = linkTo(origins, { ...offered.value, fingerprint: fingerprint ?? "" });
    return { value: { agent_id: id, link } };
  }),
  "agent withdraw": upon(async (operator, { id }) => outcomeOf(await operator.withdrawAgent(id))),
  "agent token": upon(async (operator, { id }) => outcomeOf(await operator.changeToken(id))),
  "agent revoke": upon(async (operator, { id }) => outcomeOf(await operator.revokeAgent(id))),
  "agent quota": upon(async (operator, { id, ...limits }) => {
    const { messagesPerSecond, dailyBytes } = limits;
    return outcomeOf(await operator.limitAgent(id, { messagesPerSecond, dailyBytes }));
  }),
  async backup({ dataFolder, database = null, s3 }, { to }) {
    const withFiles = s3 == null;
    return outcomeOf(
      database === null
        ? await backUp(dataFolder, to, withFiles)
        : await backUpServer(dataFolder, database, to),
    );
  },
  async move({ dataFolder, database = null, s3 }) {
    if (database === null) return { refused: { code: "relay/no-address" } };
    const { moveToServer } = await import("./operation/move.ts");
    return outcomeOf(await moveToServer(dataFolder, database, s3 == null));
  },
  async verify(config) {
    if (!hasDatabase(config)) return NO_DATABASE;
    const { dataFolder, database = null, s3 } = config;
    const value = await verifyFolder(dataFolder, database, s3 == null);
    const { damage, ...counts } = value;
    const isBad = damage.length > 0;
    const found = damage.map(({ check, count }) => `damage: ${check}: ${count}`);
    return { value, isBad, lines: [...factsOf(counts), ...(isBad ? found : ["damage: none"])] };
  },
  async doctor(config) {
    const value = await examine(config);
    const lines = value.map(({ level, says }) => `${level.padEnd(4)}  ${says}`);
    return { value, lines, isBad: value.some(({ level }) => level === "fail") };
  },
};

async function run(): Promise<number> {
  const call = readCommandLine(process.argv.slice(2));
  if (!call.ok) return complain(call.failure, EXIT.usage);
  if (call.value.kind === "help") {
    console.log(call.value.text);
    return EXIT.done;
  }
  const config = readConfig(process.env);
  if (!config.ok) {
    const faults = config.failure.map(({ name, rule }) => `${name} must be ${rule}.`);
    return complain(faults.join("\n"), EXIT.usage);
  }
  const { command, given, isJson } = call.value;
  const refuse = (code: string, message: string): number =>
    complain(isJson ? JSON.stringify({ error: { code, message } }) : message, EXIT.failed);
  try {
    const outcome = await COMMANDS[command](config.value, given);
    if (outcome === null) return EXIT.done;
    if ("refused" in outcome) return refuse(outcome.refused.code, sentenceOf(outcome.refused.code));
    print(outcome.value, isJson ? null : (outcome.lines ?? factsOf(outcome.value)));
    return outcome.isBad === true ? EXIT.failed : EXIT.done;
  } catch (fault) {
    // What an operator can put right is a sentence; everything else is a bug and shows where it is.
    const sentence = sentenceOfFault(fault, config.value);
    if (sentence === null) throw fault;
    refuse("FAILED", sentence);
    return process.exit(isUnwritable(fault) ? EXIT.unwritable : EXIT.failed);
  }
}

async function serve(options: Config): Promise<null> {
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

const hasDatabase = ({ dataFolder, database = null }: Config): boolean =>
  database !== null || existsSync(join(dataFolder, DATABASE_FILE));

/** A command upon a database that is there: a folder named wrongly is no new relay. */
function upon(
  task: (operator: Operator, given: Given, config: Config) => Promise<Outcome>,
): Command {
  return async (config, given) =>
    hasDatabase(config)
      ? operating(config, (operator) => task(operator, given, config))
      : NO_DATABASE;
}

/** At the first address that people open; without one, the part behind it. */
const linkTo = (origins: Config["origins"], offer: Parameters<typeof inviteLink>[1]): string =>
  inviteLink(origins?.[0] ?? "", offer);

async function operating(
  { dataFolder, database = null }: Config,
  task: (operator: Operator) => Promise<Outcome>,
): Promise<Outcome> {
  const operator = await createOperator(dataFolder, systemClock, systemRandom, database);
  try {
    return await task(operator);
  } finally {
    await operator.close();
  }
}

const outcomeOf = (
  done: Result<object, { readonly code: string } | { readonly kind: string }>,
): Outcome => {
  if (done.ok) return { value: done.value };
  return { refused: { code: "code" in done.failure ? done.failure.code : done.failure.kind } };
};

function complain(text: string, code: number): number {
  console.error(text);
  return code;
}

function print(value: unknown, lines: readonly string[] | null): void {
  if (lines === null) console.log(JSON.stringify(value));
  else for (const line of lines) console.log(line);
}

/** A name and a value a line; of several things, parted by an empty one. */
function factsOf(value: unknown): readonly string[] {
  if (Array.isArray(value))
    return value.flatMap((one, i) => [...(i === 0 ? [] : [""]), ...factsOf(one)]);
  return Object.entries(value as object).map(
    ([name, fact]) => `${name}: ${typeof fact === "object" ? JSON.stringify(fact) : String(fact)}`,
  );
}

process.exitCode = await run();
