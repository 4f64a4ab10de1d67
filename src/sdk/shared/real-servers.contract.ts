/** Redis and PostgreSQL as Debian packages them, started by a test on loopback in a folder that goes with it. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "#start/free-port.ts";

export type RealServer = { readonly address: string; stop(): Promise<void> };
export type RealPostgres = RealServer & {
  /** Ends at once, as `pg_ctl stop -m immediate` does, and comes back on the same port after recovery. */
  crash(): Promise<void>;
};
/** Settings given to the server, such as `fsync=on`; tests that need no disk leave them out. */
export type PostgresSettings = readonly string[];

const inPath = (name: string): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);

const redis = inPath("redis-server");
const initdb = globSync("/usr/lib/postgresql/*/bin/initdb").at(-1) ?? inPath("initdb");

/** How a server is started here; null where its package is not installed. */
export const startRedis =
  redis === undefined ? null : (port?: number): Promise<RealServer> => runRedis(redis, port);
export const startPostgres =
  initdb === undefined
    ? null
    : (settings: PostgresSettings = ["fsync=off"]) => runPostgres(initdb, settings);

async function runRedis(binary: string, wanted?: number): Promise<RealServer> {
  const port = wanted ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), "parley-redis-"));
  const child = spawn(binary, [
    ...["--bind", "127.0.0.1", "--port", String(port), "--dir", folder],
    ...["--save", "", "--appendonly", "no"],
  ]);
  await says(child, "Ready to accept connections");
  return { address: `redis://127.0.0.1:${port}`, stop: () => end(child, folder) };
}

async function runPostgres(binary: string, settings: PostgresSettings): Promise<RealPostgres> {
  const folder = mkdtempSync(join(tmpdir(), "parley-postgres-"));
  const user = ordinaryUser();
  if (user !== null) chownSync(folder, user.uid, user.gid);
  const who = user ?? {};
  const data = join(folder, "data");
  const setUp = ["-D", data, "-U", "parley", "--auth=trust", "--no-sync", "--encoding=UTF8"];
  execFileSync(binary, setUp, { ...who, cwd: folder, stdio: "pipe" });
  const server = join(binary, "../postgres");
  const port = await freePort();
  const run = async (): Promise<ChildProcess> => {
    const own = settings.flatMap((setting) => ["-c", setting]);
    const place = ["-D", data, "-k", folder, "-h", "127.0.0.1", "-p", String(port)];
    const child = spawn(server, [...place, ...own], { ...who, cwd: folder });
    await says(child, "database system is ready to accept connections");
    return child;
  };
  let child = await run();
  return {
    address: `postgres://parley@127.0.0.1:${port}/postgres`,
    stop: () => end(child, folder, "SIGQUIT"),
    async crash() {
      await ended(child, "SIGQUIT");
      child = await run();
    },
  };
}

/** PostgreSQL does not run as root: the user its package makes, else null for whoever we are. */
function ordinaryUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const idOf = (flag: string) =>
    Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

function says(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const heard: string[] = [];
    for (const pipe of [child.stdout, child.stderr]) {
      if (pipe === null) continue;
      createInterface({ input: pipe }).on("line", (line) => {
        heard.push(line);
        if (line.includes(text)) resolve();
      });
    }
    child.once("error", reject);
    child.once("close", () => reject(new Error(`ended before it was ready:\n${heard.join("\n")}`)));
  });
}

async function end(
  child: ChildProcess,
  folder: string,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<void> {
  await ended(child, signal);
  rmSync(folder, { recursive: true, force: true });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await exited;
}
