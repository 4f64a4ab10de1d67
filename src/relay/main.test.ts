import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { systemRandom } from "#base/random.ts";
import { createOperator } from "./operator.ts";
import { killed, onTestEnd, openSocket } from "./relay-world.contract.ts";

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
  onTestEnd(() => killed(program));
  const printed = { out: "", err: "" };
  program.stdout?.on("data", (bytes) => (printed.out += String(bytes)));
  program.stderr?.on("data", (bytes) => (printed.err += String(bytes)));
  const ended = once(program, "close").then(([code]) => code as number | null);
  return { program, printed, ended };
}

test("[R10] SIGTERM closes every socket with 4014 and ends the program with 0", async () => {
  const folder = aFolder();
  const operator = await createOperator(folder, createFakeClock(), systemRandom);
  const made = await operator.createAgent("Echo", "");
  await operator.close();
  if (!made.ok) throw new Error(made.failure.code);
  const { agent_id, token } = made.value;
  const { program, ended } = aProgram([], { PARLEY_DATA: folder });
  const [{ url }] = (await once(program, "message")) as [{ url: string }];
  const socket = await openSocket(`${url.replace("http", "ws")}/ws/agent`, null);
  // A stranger would be closed for being slow.
  socket.send({ type: "auth", agent_id, token });
  await socket.next("auth.ok");

  program.kill("SIGTERM");

  expect(await socket.closed()).toEqual({ code: 4014, reason: "RESTARTING retry_after=2" });
  expect(await ended).toBe(0);
});

test("[R15] the command line makes, lists and shuts out an agent, in words or in JSON", async () => {
  const env = { PARLEY_DATA: aFolder() };
  const run = async (...args: string[]) => {
    const { printed, ended } = aProgram([...args, "--json"], env);
    const code = await ended;
    return { code, value: JSON.parse(printed.out) as any };
  };

  const made = await run("agent", "create", "--name", "Echo");
  const revoked = await run("agent", "revoke", "--id", made.value.agent_id);
  const listed = await run("agent", "list");

  expect(made).toMatchObject({ code: 0, value: { token: expect.stringMatching(/^hsk_/) } });
  expect(revoked).toEqual({ code: 0, value: { agent_id: made.value.agent_id } });
  expect(listed.value).toMatchObject([{ name: "Echo", governance: "blocked" }]);
  const { printed, ended } = aProgram(["verify"], env);
  expect([await ended, printed.out]).toEqual([0, expect.stringContaining("damage: none")]);
});

test("[R65] the command line offers an agent and prints the whole link, at the first address that people open", async () => {
  const env = {
    PARLEY_DATA: aFolder(),
    PARLEY_ORIGIN: "https://chat.example,https://other.example",
  };
  const run = async (...args: string[]): Promise<any> => {
    const { printed, ended } = aProgram([...args, "--json"], env);
    expect([await ended, printed.err]).toEqual([0, expect.any(String)]);
    return JSON.parse(printed.out);
  };
  const groups = Array<string>(16).fill("0F0F").join(" ");
  const spelled = Buffer.alloc(32, 0x0f).toString("base64url");
  const { agent_id: id, invite_code: code } = await run("agent", "create", "--name", "Echo");

  const offered = await run("agent", "offer", "--id", id, "--fingerprint", groups);
  const invited = await run("agent", "invite", "--id", id, "--fingerprint", groups);
  const [listed] = await run("agent", "list");
  const withdrawn = await run("agent", "withdraw", "--id", id);

  expect(offered).toEqual({ agent_id: id, link: `https://chat.example/i/${code}#fp=${spelled}` });
  expect(invited.link).toBe(`https://chat.example/i/${invited.invite_code}#fp=${spelled}`);
  expect(listed).toMatchObject({ agent_id: id, offered: true });
  expect(withdrawn).toEqual({ agent_id: id });
});

test("[R58] help is printed whatever the settings are, and ends with 0", async () => {
  const { printed, ended } = aProgram(["--help"], { PARLEY_PORT: "many" });

  expect(await ended).toBe(0);
  expect(printed.out).toContain("PARLEY_REGISTRATION_CODE");
  expect(printed.err).toBe("");
});

test("[R58] a refusal is an object with --json, a start that fails a sentence; both end with 1", async () => {
  const env = { PARLEY_DATA: aFolder() };
  const running = aProgram([], env);
  const [{ url }] = (await once(running.program, "message")) as [{ url: string }];
  const { port } = new URL(url);
  const refused = aProgram(["agent", "revoke", "--id", crypto.randomUUID(), "--json"], env);
  const late = aProgram([], { ...env, PARLEY_PORT: port, PARLEY_LOG_LEVEL: "warn" });

  expect([await refused.ended, await late.ended]).toEqual([1, 1]);
  expect(JSON.parse(refused.printed.err)).toEqual({
    error: { code: "NOT_FOUND", message: "No agent has this id; `agent list` shows them." },
  });
  expect(late.printed).toEqual({
    out: "",
    err: `Another program listens on port ${port} already: end it, or set PARLEY_PORT.\n`,
  });
});

test("[R58] a command that is none, or lacks something, says so and ends with 2", async () => {
  const env = { PARLEY_DATA: aFolder() };
  const first = aProgram(["agent", "revoke", "--id", "nobody"], env);
  const second = aProgram(["dance"], env);

  expect([await first.ended, await second.ended]).toEqual([2, 2]);
  expect(first.printed.err).toContain("Usage:");
});

test("[R14] wrong settings are named and nothing starts", async () => {
  const { printed, ended } = aProgram([], { PARLEY_DATA: aFolder(), PARLEY_PORT: "many" });

  expect(await ended).toBe(2);
  expect(printed.err).toContain("PARLEY_PORT must be a number from 0 to 65535.");
});

// A folder that takes no file, from root neither.
test.runIf(process.platform === "linux")(
  "[R55] on a folder that takes no writes the program says so in one sentence and ends with 73",
  async () => {
    const there = aProgram([], { PARLEY_DATA: "/sys/kernel" });
    const notThere = aProgram([], { PARLEY_DATA: "/sys/kernel/parley" });

    expect([await there.ended, await notThere.ended]).toEqual([73, 73]);
    for (const { printed } of [there, notThere]) {
      expect(printed.err).toContain("The data folder takes no writes");
      expect(printed.err).not.toContain("    at ");
    }
  },
);
