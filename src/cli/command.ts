/** What a command is, what it may use, and how its arguments are read. */
import type { HasheeAgent } from "#sdk/agent.ts";

/** A command was called in a way it does not know; `message` says which. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type CommandArguments = {
  /** The n-th word behind the command's name. @throws {@link UsageError} when it is missing */
  word(place: number, name: string): string;
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  /** A whole number of at least 1. @throws {@link UsageError} */
  count(option: string): number | undefined;
  /** What comes in by the pipe, as it comes. */
  input(): AsyncIterable<string>;
};

/** What a command gives back: the value `--json` prints, and the lines people read. */
export type Report = { readonly json: unknown; readonly lines: readonly string[] };

export type Command = {
  /** Words behind the name, as the help shows them. */
  readonly words: string;
  readonly does: string;
  readonly options: Readonly<
    Record<
      string,
      { readonly type: "string" | "boolean"; readonly multiple?: boolean; readonly does: string }
    >
  >;
  /** Needs a connection of its own: streams and signs of typing. */
  readonly isLive?: boolean;
  run(agent: HasheeAgent, given: CommandArguments): Promise<Report>;
};

/** All that came in by the pipe. */
export async function wholeInput(input: AsyncIterable<string>): Promise<string> {
  let whole = "";
  for await (const piece of input) whole += piece;
  return whole;
}
