/** What a commit is going to write, while it is being gathered: reads see it, nothing else does until it is durable. */
import type { ReceiverSession } from "#crypto/receiver-session.ts";
import type { LogPut, Put, Delete } from "./store.ts";

export type Draft = {
  readonly puts: Put[];
  readonly deletes: Delete[];
  readonly log: LogPut[];
  /** Receiving chains after the messages of this draft, by their key. */
  readonly sessions: Map<string, ReceiverSession>;
  /** Where messages of this draft will stand, by conversation and message. */
  readonly seen: Map<string, number>;
  /** What is told once it is durable. */
  readonly after: (() => void)[];
};

export const startDraft = (): Draft => ({
  puts: [],
  deletes: [],
  log: [],
  sessions: new Map(),
  seen: new Map(),
  after: [],
});
