/**
 * The relay's command line: `serve` (the default), `agent create`, `agent invite`.
 * Settings come from PARLEY_* variables; see config.ts.
 */
import { parseArgs } from "node:util";
import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import type { Result } from "#base/result.ts";
import { isUuid, type AgentId } from "#protocol/ids.ts";
import { readConfig, summaryOf, unknownVariables, type Config } from "./config.ts";
import type { RelayFailure } from "./failure.ts";
import { createJsonLog } from "./json-log.ts";
import { createOperator, type Operator } from "./operator.ts";
import { createRelayServer, type RelayOptions } from "./relay-server.ts";

const USAGE = `Usage:
  node src/relay/main.ts [serve]
  node src/relay/main.ts agent create --name <name> [--description <text>] [--json]
  node src/relay/main.ts agent invite --id <agent id> [--json]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: "string" },
    description: { type: "string", default: "" },
    id: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const config = readConfig(process.env);
if (!config.ok) {
  for (const { name, rule } of config.failure) console.error(`${name} must be ${rule}.`);
  process.exit(2);
}

const command = positionals.join(" ");
if (command === "" || command === "serve") await serve(config.value);
else if (command === "agent create" && values.name !== undefined) {
  const { name, description } = values;
  await operate(config.value, (operator) => operator.createAgent(name, description));
} else if (command === "agent invite" && isUuid(values.id)) {
  const agentId = values.id as string as AgentId;
  await operate(config.value, (operator) => operator.createInvite(agentId));
} else {
  console.error(USAGE);
  process.exit(2);
}

async function serve(options: Config): Promise<void> {
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
}

async function operate<Value extends object>(
  options: RelayOptions,
  task: (operator: Operator) => Promise<Result<Value, RelayFailure>>,
): Promise<void> {
  const operator = createOperator(options.dataFolder, systemClock, systemRandom);
  const done = await task(operator);
  operator.close();
  if (!done.ok) {
    console.error(`Refused: ${done.failure.code}`);
    process.exit(1);
  }
  if (values.json) console.log(JSON.stringify(done.value));
  else
    for (const [name, value] of Object.entries(done.value))
      console.log(`${name}: ${String(value)}`);
}
