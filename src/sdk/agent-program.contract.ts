/** What tests of programs stand on: a script in a process of its own, its lines, its end. */
import { fork } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { onTestEnd } from "./agent-world.contract.ts";

export type Program = {
  readonly lines: readonly string[];
  /** The first line, printed before or yet to come, that holds the text. */
  prints(text: string): Promise<string>;
  /** The first value it tells its parent. */
  readonly tells: Promise<unknown>;
  /** Asks it to end; its exit code, once all its lines have come. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

/** Runs a script of the SDK in a process of its own, as an agent's owner would. */
export function runProgram(
  script: string,
  environment: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
): Program {
  const child = fork(resolve(import.meta.dirname, script), [], {
    env: { ...process.env, ...environment },
    execArgv: [...nodeArguments],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const pipe of [child.stdout, child.stderr]) {
    if (pipe === null) continue;
    createInterface({ input: pipe }).on("line", (line) => {
      lines.push(line);
      for (const look of [...waiting]) look();
    });
  }
  // Not its exit: what it said last may still be on the way then.
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const stop = (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  onTestEnd(async () => void (await stop("SIGKILL")));
  return {
    lines,
    tells: new Promise((resolve) => child.once("message", resolve)),
    stop,
    prints: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find((line) => line.includes(text));
          if (found !== undefined) resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without "${text}":\n${lines.join("\n")}`)));
      }),
  };
}
