/** From words on a command line to a command, and from what it gives to lines on the screen. */
import { parseArgs } from "node:util";
import { HasheeError } from "#sdk/agent-error.ts";
import { HasheeAgent } from "#sdk/agent.ts";
import { UsageError, type Command, type CommandArguments } from "./command.ts";
import { COMMANDS } from "./commands.ts";

export type Streams = {
  readonly input: () => AsyncIterable<string>;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
};

const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** Runs one command line, without the program's name; the code the process should end with. */
export async function runCommandLine(words: readonly string[], streams: Streams): Promise<number> {
  const [name = "", ...rest] = words;
  const isJson = words.includes("--json");
  if (["help", "--help", "-h"].includes(name)) return helping(rest[0], streams);
  const command = commandOf(name);
  if (command === undefined) {
    const missing = name === "" ? "A command is missing" : `No command ${JSON.stringify(name)}`;
    streams.complain(usageComplaint(`${missing}; parley help lists them.`, isJson));
    return EXIT.usage;
  }
  try {
    const given = argumentsOf(command, rest, streams.input);
    if (given.flag("help")) {
      streams.print(helpOf(name, command));
      return EXIT.done;
    }
    const report = await visiting(command, given);
    if (isJson) streams.print(JSON.stringify(report.json));
    else for (const line of report.lines) streams.print(line);
    return EXIT.done;
  } catch (error) {
    if (error instanceof UsageError) {
      const help = isJson ? "" : `\n${helpOf(name, command)}`;
      streams.complain(`${usageComplaint(error.message, isJson)}${help}`);
      return EXIT.usage;
    }
    streams.complain(complaintOf(error, isJson));
    return EXIT.failed;
  }
}

const commandOf = (name: string): Command | undefined =>
  Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;

function helping(name: string | undefined, streams: Streams): number {
  const command = name === undefined ? undefined : commandOf(name);
  streams.print(name === undefined || command === undefined ? helpText() : helpOf(name, command));
  return EXIT.done;
}

const usageComplaint = (message: string, isJson: boolean): string =>
  isJson ? JSON.stringify({ error: { code: "USAGE", message, params: {} } }) : message;

async function visiting(command: Command, given: CommandArguments) {
  const agent = await HasheeAgent.visit({}, { live: command.isLive ?? false });
  // What never heals is thrown by the call as well.
  agent.addErrorHandler(() => undefined);
  try {
    return await command.run(agent, given);
  } finally {
    await agent.close();
  }
}

function argumentsOf(
  command: Command,
  words: readonly string[],
  input: Streams["input"],
): CommandArguments {
  const { values, positionals } = parsed(command, words);
  const most = command.words === "" ? 0 : command.words.split(/ (?=<)/).length;
  const extra = positionals[most];
  if (extra !== undefined && values["help"] !== true)
    throw new UsageError(
      `${JSON.stringify(extra)} is one word too many: a text of several words stands in quotes.`,
    );
  const text = (option: string): string | undefined => {
    const value = values[option];
    return typeof value === "string" ? value : undefined;
  };
  return {
    text,
    input,
    texts: (option) => {
      const value = values[option];
      return Array.isArray(value) ? value.map(String) : [];
    },
    flag: (option) => values[option] === true,
    word(place, name) {
      const word = positionals[place];
      if (word === undefined || word === "") throw new UsageError(`The ${name} is missing.`);
      return word;
    },
    count(option) {
      const given = text(option);
      if (given === undefined) return undefined;
      if (!/^[1-9]\d{0,14}$/.test(given)) throw new UsageError(`--${option} is a number from 1.`);
      return Number(given);
    },
  };
}

type Parsed = {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
};

function parsed(command: Command, words: readonly string[]): Parsed {
  const own = Object.entries(command.options).map(
    ([option, { type, multiple = false }]) => [option, { type, multiple }] as const,
  );
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(own),
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new UsageError(said.split(/\. |\n/, 1)[0] ?? said);
  }
}

function complaintOf(error: unknown, isJson: boolean): string {
  const code = error instanceof HasheeError ? error.code : "FAILED";
  const message = error instanceof Error ? error.message : String(error);
  const params = error instanceof HasheeError ? error.params : {};
  return isJson ? JSON.stringify({ error: { code, message, params } }) : `${code}: ${message}`;
}

const helpText = (): string =>
  [
    "Usage: parley <command> … [--json]",
    "",
    "Speaks as an agent, one command at a time, and takes nothing from its processes.",
    "",
    ...Object.entries(COMMANDS).map(
      ([name, { words, does }]) => `  ${`${name} ${words}`.padEnd(48)} ${does}`,
    ),
    `  ${"relay …".padEnd(48)} the relay's own commands: parley relay --help`,
    "",
    "parley <command> --help lists its options. --json prints one JSON value, complaints as {error:{code, message, params}}.",
    "It ends with 0 when done, 1 when refused, 2 when called wrongly.",
    "",
    "Which agent, from the environment:",
    "  HASHEE_AGENT_ID, HASHEE_AGENT_TOKEN              from the app (Settings, Your agents) or parley relay agent create",
    "  HASHEE_BASE_URL                                  the relay's address, http://127.0.0.1:8787 unless set",
    "  HASHEE_KEY_VAULT                                 its keys, ~/.hashee/<agent id>/vault unless set",
    "  HASHEE_X25519_PRIVATE_BASE64,                    its keys, where they lie in no vault",
    "  HASHEE_ED25519_PRIVATE_BASE64",
  ].join("\n");

const helpOf = (name: string, { words, does, options }: Command): string =>
  [
    `parley ${name} ${words}`.trimEnd(),
    `  ${does}`,
    ...Object.entries(options).map(
      ([option, { type, does }]) =>
        `  --${option}${type === "string" ? " …" : ""}`.padEnd(20) + does,
    ),
  ].join("\n");
