import { useState } from "react";
import type { Result } from "#base/result.ts";
import type { BridgeFailure } from "#stores/views.ts";

/** Something that takes a while and may fail: whether it runs, and why it failed the last time. */
export type Attempt = {
  readonly isBusy: boolean;
  readonly failure: BridgeFailure | null;
  /** Runs a task; the failure of the one before is forgotten. Whether it went well. */
  run(task: () => Promise<Result<unknown, BridgeFailure>>): Promise<boolean>;
};

/** One attempt of a form or a button. */
export function useAttempt(): Attempt {
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  return {
    isBusy,
    failure,
    async run(task) {
      setIsBusy(true);
      setFailure(null);
      const outcome = await task();
      setIsBusy(false);
      if (!outcome.ok) setFailure(outcome.failure);
      return outcome.ok;
    },
  };
}
