/**
 * Gives jobs to the render worker one at a time and kills it when one takes too long, so that no text holds up the next.
 * The worker starts with the first job; after a kill the next job starts another.
 */
import type { Clock } from "#base/clock.ts";
import type { HastRoot } from "./tree.ts";
import type { CodePiece } from "./highlight.ts";
import type { ParseOptions } from "./pipeline.ts";
import type { RenderAnswer, RenderJob } from "./render-worker.ts";

/** The part of a Worker that is used. */
export interface RenderWorker {
  onmessage: ((event: { readonly data: RenderAnswer }) => void) | null;
  onerror: ((event: never) => void) | null;
  postMessage(job: RenderJob): void;
  terminate(): void;
}

export interface RenderJobs {
  /** The guarded tree, or null: then show the text as it is. */
  parse(text: string, options: ParseOptions): Promise<HastRoot | null>;
  /** The coloured pieces, or null: then show the code without colours. */
  highlight(language: string, code: string): Promise<readonly CodePiece[] | null>;
  close(): void;
}

/** From the start of a job to its death. */
export const JOB_LIMIT_MS = 1_000;

type Waiting = { readonly job: RenderJob; readonly settle: (answer: RenderAnswer) => void };

export function createRenderJobs(spawn: () => RenderWorker, clock: Clock): RenderJobs {
  const waiting: Waiting[] = [];
  let worker: RenderWorker | null = null;
  let current: Waiting | null = null;
  let cancelTimer = (): void => {};

  const finish = (answer: RenderAnswer): void => {
    cancelTimer();
    const done = current;
    current = null;
    done?.settle(answer);
    startNext();
  };

  const kill = (): void => {
    if (worker !== null) {
      worker.onmessage = null;
      worker.onerror = null;
      worker.terminate();
    }
    worker = null;
  };

  const open = (): RenderWorker => {
    const opened = spawn();
    opened.onmessage = ({ data }) => finish(data);
    opened.onerror = () => {
      kill();
      finish(null);
    };
    return opened;
  };

  const startNext = (): void => {
    if (current !== null) return;
    const next = waiting.shift();
    if (next === undefined) return;
    current = next;
    worker ??= open();
    worker.postMessage(next.job);
    cancelTimer = clock.after(JOB_LIMIT_MS, () => {
      kill();
      finish(null);
    });
  };

  const run = (job: RenderJob): Promise<RenderAnswer> =>
    new Promise((resolve) => {
      waiting.push({ job, settle: resolve });
      startNext();
    });

  return {
    parse: async (text, options) =>
      (await run({ kind: "markdown", text, options })) as HastRoot | null,
    highlight: async (language, code) =>
      (await run({ kind: "highlight", language, code })) as readonly CodePiece[] | null,
    close() {
      cancelTimer();
      kill();
      const left = current === null ? waiting : [current, ...waiting];
      current = null;
      for (const { settle } of left.splice(0)) settle(null);
      waiting.length = 0;
    },
  };
}
