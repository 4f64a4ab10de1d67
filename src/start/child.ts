/** A program this one starts, watches, starts again when it dies, and stops. */
import { fork, type ChildProcess } from "node:child_process";

export type Child = {
  /** Resolves with the first value the program sends to its parent; rejects when it ends before that, with its last words. */
  readonly ready: Promise<unknown>;
  /** Asks it to end, waits 10 s, then insists. */
  stop(): Promise<void>;
};

const RESTART_DELAY_MS = 1_000;
const PATIENCE_MS = 10_000;

/** Starts `script` with `env` added to ours; its output is shown under `name`. */
export function startChild(
  name: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Child {
  let process_: ChildProcess;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  const { promise: ready, resolve, reject } = Promise.withResolvers<unknown>();

  const start = (): void => {
    process_ = fork(script, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    let lastWords = "";
    const hear = (chunk: Buffer): void => {
      lastWords = (lastWords + chunk.toString()).slice(-2_000);
      if (process.env["PARLEY_VERBOSE"] === "1")
        process.stderr.write(chunk.toString().replace(/^(?=.)/gm, `${name}: `));
    };
    process_.stdout?.on("data", hear);
    process_.stderr?.on("data", hear);
    process_.once("message", resolve);
    process_.once("exit", (code) => {
      if (stopping) return;
      reject(new Error(`${name} ended with code ${code} before it was ready.\n${lastWords}`));
      console.error(`${name} ended (code ${code}); starting it again.\n${lastWords}`);
      timer = setTimeout(start, RESTART_DELAY_MS);
    });
  };
  start();
  return {
    ready,
    async stop() {
      stopping = true;
      clearTimeout(timer);
      ready.catch(() => undefined);
      const child = process_;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise<void>((done) => child.once("exit", () => done()));
      child.kill("SIGTERM");
      const insist = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      await ended;
      clearTimeout(insist);
    },
  };
}
