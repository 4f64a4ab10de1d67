#!/usr/bin/env node
/** The `parley` program: one command line, one visit to the relay. */
import { runCommandLine } from "./run.ts";

process.exitCode = await runCommandLine(process.argv.slice(2), {
  input: () => process.stdin.setEncoding("utf8") as AsyncIterable<string>,
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});
