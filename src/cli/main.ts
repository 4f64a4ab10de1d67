#!/usr/bin/env node
/** The `parley` program: one command line, one visit to the relay; or, behind `relay`, the relay's own program. */
import { refusalOfNode } from "#sdk/oldest-node.ts";
import { relayCommand } from "./relay-command.ts";

const words = process.argv.slice(2);
// A reader that has seen enough, like `head`, closes the pipe; that is an end, not a fault.
process.stdout.on("error", (fault: NodeJS.ErrnoException) => {
  if (fault.code !== "EPIPE") throw fault;
  process.exit(0);
});
const refusal = refusalOfNode("parley", process.versions.node);
if (refusal !== null) process.stderr.write(`${refusal}\n`);
process.exitCode = refusal === null ? await run() : 1;

async function run(): Promise<number> {
  if (words[0] === "relay") return relayCommand(words.slice(1));
  // Fetched only now: on an older Node its very import fails.
  const { runCommandLine } = await import("./run.ts");
  return runCommandLine(words, {
    input: () => process.stdin.setEncoding("utf8") as AsyncIterable<string>,
    print: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
  });
}
