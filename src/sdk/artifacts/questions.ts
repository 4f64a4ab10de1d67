/** Code that waits for a person: one promise per card, settled by its first good answer or by the clock. */
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
  /** Whether somebody waits for answers to this card. */
  isAsked(conversationId: string, artifactId: string): boolean;
  settle(event: ArtifactResponseEvent): void;
  dispose(): void;
}

/** Creates the waiting room. */
export function createQuestions(clock: Clock): Questions {
  const settleByKey = new Map<string, (answer: ArtifactResponseEvent | null) => void>();
  return {
    wait: (conversationId, artifactId, timeoutMs) =>
      new Promise((resolve) => {
        const key = artifactKey(conversationId, artifactId);
        const settle = (answer: ArtifactResponseEvent | null): void => {
          cancel();
          settleByKey.delete(key);
          resolve(answer);
        };
        const cancel = clock.after(timeoutMs, () => settle(null));
        settleByKey.set(key, settle);
      }),
    isAsked: (conversationId, artifactId) =>
      settleByKey.has(artifactKey(conversationId, artifactId)),
    settle(event) {
      settleByKey.get(artifactKey(event.conversation_id, event.ref_artifact))?.(event);
    },
    dispose() {
      for (const settle of settleByKey.values()) settle(null);
    },
  };
}
