import { describe, expect, test } from "vitest";
import { createLanes } from "./lanes.ts";

const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** A task that says when it began and ends when told to. */
function aTask(name: string, begun: string[]) {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { task: () => (begun.push(name), ended), end: () => end() };
}

describe("lanes", () => {
  test("[K5] run one task at a time within a conversation and in order", async () => {
    const lanes = createLanes(16);
    const begun: string[] = [];
    const [first, second] = [aTask("a1", begun), aTask("a2", begun)];
    lanes.open();
    lanes.add("a", first.task);
    lanes.add("a", second.task);

    await settle();
    expect(begun).toEqual(["a1"]);
    first.end();
    await settle();
    expect(begun).toEqual(["a1", "a2"]);
  });

  test("[K5] run no more conversations at once than allowed, and take turns", async () => {
    const lanes = createLanes(2);
    const begun: string[] = [];
    const tasks = ["a1", "a2", "b1", "c1"].map((name) => aTask(name, begun));
    lanes.open();
    for (const [i, { task }] of tasks.entries()) lanes.add("aabc"[i] ?? "", task);

    await settle();
    expect(begun).toEqual(["a1", "b1"]);
    tasks[0]?.end();
    await settle();
    expect(begun).toEqual(["a1", "b1", "c1"]);
    tasks[3]?.end();
    await settle();
    expect(begun).toEqual(["a1", "b1", "c1", "a2"]);
  });

  test("[K5] keep everything until somebody is there to do it", async () => {
    const lanes = createLanes(16);
    const begun: string[] = [];
    lanes.add("a", aTask("a1", begun).task);

    await settle();
    expect(begun).toEqual([]);
    lanes.open();
    await settle();
    expect(begun).toEqual(["a1"]);
  });

  test("[K18] begin nothing after they were stopped, and are idle when the last task ends", async () => {
    const lanes = createLanes(16);
    const begun: string[] = [];
    const running = aTask("a1", begun);
    lanes.open();
    lanes.add("a", running.task);
    lanes.add("a", aTask("a2", begun).task);
    await settle();
    lanes.stop();
    let isIdle = false;
    const idle = lanes.idle().then(() => {
      isIdle = true;
    });

    await settle();
    expect(isIdle).toBe(false);
    running.end();
    await idle;
    expect(begun).toEqual(["a1"]);
  });
});
