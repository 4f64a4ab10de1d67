/** What a running process asks of the kernel, as `strace` writes it down. Linux, and the right to trace, needed. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const CALLS = "write,writev,sendto,sendmsg,pwrite64,pwritev,fsync,fdatasync";
/** Bytes of each written buffer that are written down: a page of a database whole. */
const SHOWN_BYTES = 70_000;

/** One call: its text from its beginning, and the places of its beginning and end among all events. */
export type SystemCall = {
  readonly name: string;
  readonly text: string;
  readonly begunAt: number;
  readonly endedAt: number;
};

/** Whether this machine lets us trace a child of ours. */
export const canTrace = (): boolean =>
  spawnSync("strace", ["-f", "-e", "trace=none", "true"], { stdio: "ignore" }).status === 0;

/** Follows a process and all its threads; the returned function ends that and gives the calls. */
export async function followCalls(
  pid: number,
  file: string,
): Promise<() => Promise<readonly SystemCall[]>> {
  const tracer = spawn(
    "strace",
    ["-f", "-y", "-s", String(SHOWN_BYTES), "-e", `trace=${CALLS}`, "-o", file, "-p", String(pid)],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  for await (const line of createInterface({ input: tracer.stderr }))
    if (line.includes("attached")) break;
  return async () => {
    const ended = once(tracer, "close");
    tracer.kill("SIGINT");
    await ended;
    return parseTrace(readFileSync(file, "latin1"));
  };
}

/** Every sync of a process to its disk takes so long, until the returned function is called. */
export const slowSyncs = (pid: number, delayMs: number): Promise<() => Promise<void>> =>
  inject(pid, "fsync,fdatasync", `delay_enter=${delayMs * 1_000}`);

/**
 * What a file system says that the kernel turned read-only, or one that is full and so takes syncs but nothing new,
 * until the returned function is called.
 */
export const refuseWrites = (
  pid: number,
  because: "read-only" | "full",
): Promise<() => Promise<void>> =>
  because === "read-only"
    ? inject(pid, "pwrite64,ftruncate,fallocate,fsync,fdatasync", "error=EROFS")
    : inject(pid, "pwrite64,fallocate", "error=ENOSPC");

async function inject(pid: number, calls: string, what: string): Promise<() => Promise<void>> {
  const tracer = spawn(
    "strace",
    ["-f", "-e", `trace=${calls}`, "-e", `inject=${calls}:${what}`, "-o", "/dev/null"].concat(
      "-p",
      String(pid),
    ),
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  for await (const line of createInterface({ input: tracer.stderr }))
    if (line.includes("attached")) break;
  return async () => {
    const ended = once(tracer, "close");
    tracer.kill("SIGINT");
    await ended;
  };
}

/** Calls of a trace; one that another thread's call interrupted is put together again. */
export function parseTrace(trace: string): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, { name: string; text: string; begunAt: number }>();
  for (const [at, line] of trace.split("\n").entries()) {
    const [, thread = "", rest = ""] = /^(\d+) +(.*)$/s.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/s.exec(rest);
    if (resumed !== null) {
      const begun = open.get(thread);
      open.delete(thread);
      if (begun !== undefined) calls.push({ ...begun, text: begun.text + resumed[2], endedAt: at });
      continue;
    }
    const name = /^(\w+)\(/.exec(rest)?.[1];
    if (name === undefined) continue;
    if (rest.endsWith("<unfinished ...>")) open.set(thread, { name, text: rest, begunAt: at });
    else calls.push({ name, text: rest, begunAt: at, endedAt: at });
  }
  return calls;
}
