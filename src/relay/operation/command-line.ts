/** From words on the relay's command line to a command that has all it needs, or to what is wrong with them. */
import { parseArgs } from "node:util";
import { err, ok, type Result } from "#base/result.ts";
import { isUuid, type AgentId } from "#protocol/ids.ts";
import { MAX_DISPLAY_NAME_CHARACTERS } from "#protocol/limits.ts";
import { RULES } from "../config.ts";
import { readFingerprint } from "../invite-link.ts";

const OPTIONS = {
  name: { type: "string", does: "what people see, up to 64 characters" },
  description: { type: "string", does: "what it is for" },
  suggest: { type: "string", multiple: true, does: "a first question; may come several times" },
  id: { type: "string", does: "the agent's id, as `agent list` shows it" },
  fingerprint: { type: "string", does: "the fingerprint that the agent itself prints" },
  "messages-per-second": { type: "string", does: "a number above 0" },
  "bytes-per-day": { type: "string", does: "a whole number above 0, of files" },
  to: { type: "string", does: "a folder that is empty or not there yet" },
} as const;

type OptionName = keyof typeof OPTIONS;

type Shape = {
  readonly does: string;
  readonly needs: readonly OptionName[];
  readonly takes: readonly OptionName[];
};

const COMMANDS = {
  serve: { does: "run the relay (the default)", needs: [], takes: [] },
  "agent create": {
    does: "make an agent; prints its id, its token (once) and an invite",
    needs: ["name"],
    takes: ["description", "suggest"],
  },
  "agent list": { does: "every agent, with its limits", needs: [], takes: [] },
  "agent invite": {
    does: "one more invite; with the fingerprint a whole link",
    needs: ["id"],
    takes: ["fingerprint"],
  },
  "agent offer": {
    does: "show it to newcomers; prints its link",
    needs: ["id", "fingerprint"],
    takes: [],
  },
  "agent withdraw": {
    does: "show it to newcomers no more; its links go on",
    needs: ["id"],
    takes: [],
  },
  "agent token": { does: "another token; the old one ends at once", needs: ["id"], takes: [] },
  "agent revoke": { does: "shut the agent out for good", needs: ["id"], takes: [] },
  "agent quota": {
    does: "limits of its own; without a number: what every agent has",
    needs: ["id"],
    takes: ["messages-per-second", "bytes-per-day"],
  },
  backup: { does: "a copy that a relay can be started on", needs: ["to"], takes: [] },
  move: {
    does: "copy a stopped relay's database file into the empty PostgreSQL of PARLEY_DATABASE",
    needs: [],
    takes: [],
  },
  verify: { does: "read every row and file", needs: [], takes: [] },
  doctor: { does: "look over settings, folder and database", needs: [], takes: [] },
} as const satisfies Readonly<Record<string, Shape>>;

export type CommandName = keyof typeof COMMANDS;

/** What a command was given. What it needs is there and has the right shape. */
export type Given = {
  readonly name: string;
  readonly description: string;
  readonly suggest: readonly string[];
  readonly id: AgentId;
  /** As links carry it; null: none was given. */
  readonly fingerprint: string | null;
  readonly messagesPerSecond: number | null;
  readonly dailyBytes: number | null;
  readonly to: string;
};

export type Call =
  | { readonly kind: "help"; readonly text: string }
  | {
      readonly kind: "run";
      readonly command: CommandName;
      readonly given: Given;
      readonly isJson: boolean;
    };

/** Fails with what is wrong, in lines for the error output. */
export function readCommandLine(words: readonly string[]): Result<Call, string> {
  const parsed = parse(words);
  if (!parsed.ok) return err(`${parsed.failure}\n${SEE_HELP}`);
  const { values, positionals } = parsed.value;
  if (values["help"] === true || positionals[0] === "help")
    return ok({ kind: "help", text: help() });
  const command = positionals.join(" ") || "serve";
  if (!isCommand(command)) return err(`There is no command "${command}".\n${SEE_HELP}`);
  const shape: Shape = COMMANDS[command];
  const wrong = firstFault(shape, values);
  if (wrong !== null) return err(`${wrong}\nUsage: ${usageOf(command, shape)}`);
  const text = (name: OptionName): string => {
    const value = values[name];
    return typeof value === "string" ? value : "";
  };
  const numberOf = (name: OptionName): number | null =>
    values[name] === undefined ? null : Number(values[name]);
  return ok({
    kind: "run",
    command,
    isJson: values["json"] === true,
    given: {
      name: text("name").trim(),
      description: text("description"),
      suggest: (values["suggest"] as readonly string[] | undefined) ?? [],
      id: text("id") as AgentId,
      fingerprint: readFingerprint(text("fingerprint")),
      messagesPerSecond: numberOf("messages-per-second"),
      dailyBytes: numberOf("bytes-per-day"),
      to: text("to"),
    },
  });
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
type Parsed = { readonly values: Values; readonly positionals: readonly string[] };

function parse(words: readonly string[]): Result<Parsed, string> {
  const own = Object.entries(OPTIONS).map(
    ([name, option]) => [name, { type: option.type, multiple: "multiple" in option }] as const,
  );
  try {
    return ok(
      parseArgs({
        args: [...words],
        allowPositionals: true,
        options: {
          ...Object.fromEntries(own),
          json: { type: "boolean" },
          help: { type: "boolean", short: "h" },
        },
      }),
    );
  } catch (fault) {
    const said = fault instanceof Error ? fault.message : String(fault);
    return err(said.split(/\. |\n/, 1)[0] ?? said);
  }
}

function firstFault({ needs, takes }: Shape, values: Values): string | null {
  const known: readonly string[] = [...needs, ...takes, "json", "help"];
  const stranger = Object.keys(values).find((name) => !known.includes(name));
  if (stranger !== undefined) return `--${stranger} says nothing to this command.`;
  const missing = needs.find((name) => values[name] === undefined);
  if (missing !== undefined) return `--${missing} is missing.`;
  const wrong = Object.keys(values).find(
    (name) => !isFitting(name as OptionName, String(values[name])),
  );
  return wrong === undefined ? null : `--${wrong} must be ${OPTIONS[wrong as OptionName].does}.`;
}

function isFitting(name: OptionName | "json", text: string): boolean {
  switch (name) {
    case "name":
      return text.trim() !== "" && text.trim().length <= MAX_DISPLAY_NAME_CHARACTERS;
    case "id":
      return isUuid(text);
    case "fingerprint":
      return readFingerprint(text) !== null;
    case "to":
      return text !== "";
    case "messages-per-second":
      return /^\d{1,9}(\.\d{1,9})?$/.test(text) && Number(text) > 0;
    case "bytes-per-day":
      return /^[1-9]\d{0,14}$/.test(text);
    default:
      return true;
  }
}

const isCommand = (text: string): text is CommandName => Object.hasOwn(COMMANDS, text);

const PROGRAM = "node src/relay/main.ts";
const SEE_HELP = `${PROGRAM} --help lists what there is.`;

const usageOf = (name: string, { needs, takes }: Shape): string =>
  [
    `${PROGRAM} ${name}`,
    ...needs.map((option) => `--${option} …`),
    ...takes.map((option) => `[--${option} …]`),
  ].join(" ");

function summaryOf(name: string, { does, needs, takes }: Shape): readonly [string, string] {
  const also = takes.map((option) => `--${option}`).join(", ");
  const needed = [name, ...needs.map((option) => `--${option} …`)].join(" ");
  return [needed, also === "" ? does : `${does}; takes ${also}`];
}

const table = (rows: readonly (readonly [string, string])[]): readonly string[] => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
};

const help = (): string =>
  [
    `Usage: ${PROGRAM} [command] [options]`,
    "",
    ...table(Object.entries(COMMANDS).map(([name, shape]) => summaryOf(name, shape))),
    "",
    "Options:",
    ...table([
      ...Object.entries(OPTIONS).map(([name, { does }]) => [`--${name}`, does] as const),
      ["--json", "print one JSON value, and complaints as {error:{code, message}}"],
      ["--help", "this page"],
    ]),
    "",
    "Commands beside serve work while the relay runs; move wants it ended. They end with 0 when done,",
    "1 when refused or something is wrong, 2 when called wrongly.",
    "",
    "Settings, from the environment:",
    ...table(Object.entries(RULES)),
  ].join("\n");
