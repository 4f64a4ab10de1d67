import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createRenderJobs, JOB_LIMIT_MS, type RenderWorker } from "./render-jobs.ts";
import type { RenderAnswer, RenderJob } from "./render-worker.ts";

type FakeWorker = RenderWorker & { readonly jobs: RenderJob[]; isTerminated: boolean };

function setup() {
  const clock = createFakeClock();
  const workers: FakeWorker[] = [];
  const jobs = createRenderJobs(() => {
    const worker: FakeWorker = {
      jobs: [],
      isTerminated: false,
      onmessage: null,
      onerror: null,
      postMessage: (job) => worker.jobs.push(job),
      terminate: () => {
        worker.isTerminated = true;
      },
    };
    workers.push(worker);
    return worker;
  }, clock);
  const answer = (worker: FakeWorker | undefined, data: RenderAnswer): void =>
    worker?.onmessage?.({ data });
  return { clock, workers, jobs, answer };
}

describe("the render worker's jobs", () => {
  test("[U16] no worker starts before there is work, and jobs go to it one at a time", async () => {
    const { workers, jobs, answer } = setup();
    expect(workers).toEqual([]);

    const first = jobs.highlight("js", "a");
    const second = jobs.highlight("js", "b");
    expect(workers[0]?.jobs).toHaveLength(1);
    answer(workers[0], [["word", "a"]]);
    answer(workers[0], null);

    expect(await first).toEqual([["word", "a"]]);
    expect(await second).toBeNull();
    expect(workers).toHaveLength(1);
  });

  test("[U16] a job that runs for a second is killed and the next one gets a fresh worker", async () => {
    const { clock, workers, jobs, answer } = setup();
    const stuck = jobs.highlight("js", "a");
    const next = jobs.highlight("js", "b");

    await clock.advance(JOB_LIMIT_MS);
    answer(workers[1], [[null, "b"]]);

    expect(await stuck).toBeNull();
    expect(workers[0]?.isTerminated).toBe(true);
    expect(await next).toEqual([[null, "b"]]);
  });

  test("[U16] waiting for its turn does not count against a job", async () => {
    const { clock, workers, jobs, answer } = setup();
    const first = jobs.highlight("js", "a");
    const second = jobs.highlight("js", "b");

    await clock.advance(JOB_LIMIT_MS - 1);
    answer(workers[0], null);
    await clock.advance(JOB_LIMIT_MS - 1);
    answer(workers[0], [[null, "b"]]);

    expect(await first).toBeNull();
    expect(await second).toEqual([[null, "b"]]);
  });

  test("[U16] a worker that breaks answers with nothing and is replaced", async () => {
    const { workers, jobs, answer } = setup();
    const broken = jobs.highlight("js", "a");
    workers[0]?.onerror?.(undefined as never);
    const next = jobs.highlight("js", "b");
    answer(workers[1], [[null, "b"]]);

    expect(await broken).toBeNull();
    expect(await next).toEqual([[null, "b"]]);
  });

  test("[U16] closing answers everything that waits with nothing", async () => {
    const { workers, jobs } = setup();
    const waiting = [jobs.highlight("js", "a"), jobs.highlight("js", "b")];

    jobs.close();

    expect(await Promise.all(waiting)).toEqual([null, null]);
    expect(workers[0]?.isTerminated).toBe(true);
  });
});
