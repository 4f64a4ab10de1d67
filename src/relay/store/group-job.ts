/** A job of a group that shares a commit; appends that stand side by side may be done together. SPEC R4. */
import type { Result } from "#base/result.ts";
import type { RelayFailure } from "../failure.ts";
import type { AppendRequest } from "../log/log-store.ts";
import { COMMANDS, type CommandName } from "./commands.ts";
import type { Transaction } from "./transaction.ts";

/** A write by name, as it crosses to whoever does it. */
export type Job = { readonly name: CommandName; readonly args: unknown };

export type GroupJob = {
  run(tx: Transaction): Promise<Result<unknown, RelayFailure>>;
  /** What it appends, when it does nothing beside and may be done together with others; else null. */
  readonly append: AppendRequest | null;
};

/** The job of a named command. The table of commands ties each name to its arguments' type. */
export const groupJob = ({ name, args }: Job): GroupJob => ({
  run: (tx) => COMMANDS[name](tx, args as never),
  append: plainAppendOf(name, args),
});

/** The request of an append that is an entry and nothing beside it; else null. */
export function plainAppendOf(name: CommandName, args: unknown): AppendRequest | null {
  if (name !== "appendMessage") return null;
  const request = args as AppendRequest;
  const { artifact, stream, entry } = request;
  return artifact === null && stream === null && entry.sessionOpen === null ? request : null;
}

export type Part<Job extends GroupJob> =
  | { readonly kind: "appends"; readonly requests: AppendRequest[] }
  | { readonly kind: "one"; readonly job: Job };

/** Appends side by side are one part; a message that comes again begins another, which finds the first one stored. */
export function partsOf<Job extends GroupJob>(jobs: readonly Job[]): readonly Part<Job>[] {
  const parts: Part<Job>[] = [];
  const known = new Set<string>();
  for (const job of jobs) {
    const last = parts.at(-1);
    if (job.append === null) {
      parts.push({ kind: "one", job });
      continue;
    }
    const { conversationId, messageId } = job.append.entry;
    const key = messageId === null ? null : `${conversationId} ${messageId}`;
    const isAgain = key !== null && known.has(key);
    if (last?.kind === "appends" && !isAgain) last.requests.push(job.append);
    else {
      known.clear();
      parts.push({ kind: "appends", requests: [job.append] });
    }
    if (key !== null) known.add(key);
  }
  return parts;
}
