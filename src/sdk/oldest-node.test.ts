import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OLDEST_NODE, refusalOfNode } from "./oldest-node.ts";

/** What a program prints and ends with when Node says that it is of this version. */
function on(version: string, script: string, ...words: string[]) {
  const versions = `{ ...process.versions, node: ${JSON.stringify(version)} }`;
  const pretend = `Object.defineProperty(process, "versions", { value: ${versions} })`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--import",
      `data:text/javascript,${encodeURIComponent(pretend)}`,
      join(import.meta.dirname, script),
      ...words,
    ],
    { encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

test("[K46] a Node is too old below the oldest that will do, by number and not by text", () => {
  const refused = ["18.20.1", "20.20.2", "22.9.0", "22.12.0"];
  const taken = ["22.13.0", "22.100.0", "23.0.0", "26.10.0", "100.0.0"];

  expect(refused.map((version) => refusalOfNode("It", version))).toEqual(
    refused.map((version) => `It needs Node ${OLDEST_NODE} or newer; this is ${version}.`),
  );
  expect(taken.map((version) => refusalOfNode("It", version))).toEqual(taken.map(() => null));
});

test("[K46] on a Node that is too old SDK and command line say one sentence and end with 1", () => {
  expect(on("20.20.2", "index.ts")).toEqual({
    status: 1,
    stdout: "",
    stderr: "The agent SDK needs Node 22.13 or newer; this is 20.20.2.\n",
  });
  expect(on("20.20.2", "../cli/main.ts", "whoami")).toEqual({
    status: 1,
    stdout: "",
    stderr: "parley needs Node 22.13 or newer; this is 20.20.2.\n",
  });
});
