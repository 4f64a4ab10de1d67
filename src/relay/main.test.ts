import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { onTestEnd, openSocket } from "./relay-world.contract.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "parley-main-"));
  onTestEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** The program with these variables; what it prints is gathered. */
function aProgram(args: readonly string[], env: Readonly<Record<string, string>>) {
  const program: ChildProcess = fork(MAIN, args, {
    env: { ...process.env, PARLEY_PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  onTestEnd(() => void program.kill("SIGKILL"));
  const printed = { out: "", err: "" };
  program.stdout?.on("data", (bytes) => (printed.out += String(bytes)));
  program.stderr?.on("data", (bytes) => (printed.err += String(bytes)));
  const ended = once(program, "close").then(([code]) => code as number | null);
  return { program, printed, ended };
}

test("[R10] SIGTERM closes every socket with 4014 and ends the program with 0", async () => {
  const { program, ended } = aProgram([], { PARLEY_DATA: aFolder() });
  const [{ url }] = (await once(program, "message")) as [{ url: string }];
  const socket = await openSocket(`${url.replace("http", "ws")}/ws/agent`, null);

  program.kill("SIGTERM");

  expect(await socket.closed()).toEqual({ code: 4014, reason: "RESTARTING retry_after=2" });
  expect(await ended).toBe(0);
});
