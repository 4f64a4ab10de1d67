/** Code that waits for people: for a card's first good answer, or for all of them until it has enough. */
import type { Clock } from "#base/clock.ts";
import type { ArtifactResponseEvent } from "../incoming/agent-event.ts";
import { artifactKey } from "./artifact-record.ts";

export interface Questions {
  /** The answer, or null when none came in time or the agent closed. */
  wait(
    conversationId: string,
    artifactId: string,
    timeoutMs: number,
  ): Promise<ArtifactResponseEvent | null>;
  /** Hands on each answer, oldest first, until `hear` has enough, the time is over, `signal` aborts or the agent closes. */
  gather(
    conversationId: string,
    artifactId: string,
    timeoutMs: number,
    hear: (answer: ArtifactResponseEvent) => "more" | "enough",
    signal?: AbortSignal,
  ): Promise<void>;
  /** Whether somebody waits for answers to this card. */
  isAsked(conversationId: string, artifactId: string): boolean;
  settle(event: ArtifactResponseEvent): void;
  dispose(): void;
}

type Asked = {
  readonly hear: (answer: ArtifactResponseEvent) => "more" | "enough";
  readonly end: () => void;
};

/** Creates the waiting room. */
export function createQuestions(clock: Clock): Questions {
  const askedByKey = new Map<string, Set<Asked>>();
  const gather: Questions["gather"] = (conversationId, artifactId, timeoutMs, hear, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const key = artifactKey(conversationId, artifactId);
      const asked: Asked = {
        hear,
        end: () => {
          cancel();
          signal?.removeEventListener("abort", asked.end);
          const others = askedByKey.get(key);
          others?.delete(asked);
          if (others?.size === 0) askedByKey.delete(key);
          resolve();
        },
      };
      const cancel = clock.after(timeoutMs, asked.end);
      signal?.addEventListener("abort", asked.end);
      askedByKey.set(key, (askedByKey.get(key) ?? new Set<Asked>()).add(asked));
    });
  return {
    gather,
    async wait(conversationId, artifactId, timeoutMs) {
      const taken: ArtifactResponseEvent[] = [];
      await gather(conversationId, artifactId, timeoutMs, (answer) => {
        taken.push(answer);
        return "enough";
      });
      return taken[0] ?? null;
    },
    isAsked: (conversationId, artifactId) =>
      askedByKey.has(artifactKey(conversationId, artifactId)),
    settle(event) {
      const key = artifactKey(event.conversation_id, event.ref_artifact);
      for (const asked of askedByKey.get(key) ?? [])
        if (asked.hear(event) === "enough") asked.end();
    },
    dispose() {
      for (const all of askedByKey.values()) for (const asked of all) asked.end();
    },
  };
}
