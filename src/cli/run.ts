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
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const isAsked = ["", "help", "--help", "-h"].includes(name);
    (isAsked ? streams.print : streams.complain)(
      isAsked ? helpText() : `No command ${JSON.stringify(name)}; parley help lists them.`,
    );
    return isAsked && name !== "" ? EXIT.done : EXIT.usage;
  }
  const isJson = rest.includes("--json");
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
      streams.complain(`${error.message}\n${helpOf(name, command)}`);
      return EXIT.usage;
    }
    streams.complain(complaintOf(error, isJson));
    return EXIT.failed;
  }
}

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
    throw new UsageError(error instanceof Error ? error.message : String(error));
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
    "parley <command> …  speaks as the agent of HASHEE_AGENT_ID, HASHEE_AGENT_TOKEN and HASHEE_BASE_URL,",
    "with the keys of its vault or of the environment. --json prints one JSON value.",
    "",
    ...Object.entries(COMMANDS).map(
      ([name, { words, does }]) => `  ${`${name} ${words}`.padEnd(48)} ${does}`,
    ),
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
