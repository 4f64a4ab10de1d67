#!/usr/bin/env node
/** The `parley` program: one command line, one visit to the relay; or, behind `relay`, the relay's own program. */
import { relayCommand } from "./relay-command.ts";

/** `node:sqlite` without a flag. */
const OLDEST_NODE = [22, 13] as const;

const words = process.argv.slice(2);
// A reader that has seen enough, like `head`, closes the pipe; that is an end, not a fault.
process.stdout.on("error", (fault: NodeJS.ErrnoException) => {
  if (fault.code !== "EPIPE") throw fault;
  process.exit(0);
});
process.exitCode = isFresh() ? await run() : 1;

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

function isFresh(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldest, oldestMinor] = OLDEST_NODE;
  if (major > oldest || (major === oldest && minor >= oldestMinor)) return true;
  process.stderr.write(
    `parley needs Node ${oldest}.${oldestMinor} or newer; this is ${process.versions.node}.\n`,
  );
  return false;
}
