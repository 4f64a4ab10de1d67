/**
 * Loaded before a program with `--import`, and so before each of its threads, which are to last as long as it does: asked
 * by its parent, all of them collect their garbage and say what is left.
 */
import { getHeapSpaceStatistics } from "node:v8";
import { BroadcastChannel, isMainThread } from "node:worker_threads";

/** V8's machine code and bytecode: they grow as long as a program warms up, as the machine's load would have it. */
const ITS_CODE = /(?:^|_)(?:code|trusted)_/;

/** Bytes of this thread's objects that something still holds. */
function heldHere(): number {
  // Twice: what the first round frees may have held more.
  globalThis.gc?.();
  globalThis.gc?.();
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !ITS_CODE.test(name))
    .reduce((sum, { space_used_size: size }) => sum + size, 0);
}

/** What threads say to each other; `held` is the answer to `weigh`. */
type Said = "here" | "weigh" | { readonly held: number };

const channel = new BroadcastChannel("weight");
const say = (said: Said): void => channel.postMessage(said);

if (isMainThread) {
  let threads = 0;
  let hear: (held: number) => void = () => undefined;
  channel.onmessage = ({ data }: { readonly data: Said }) => {
    if (data === "here") threads += 1;
    else if (typeof data === "object") hear(data.held);
  };
  const heldInThreads = (): Promise<number> =>
    new Promise((resolve) => {
      let [sum, waitedFor] = [0, threads];
      if (waitedFor === 0) resolve(0);
      hear = (held) => {
        sum += held;
        if (--waitedFor === 0) resolve(sum);
      };
      say("weigh");
    });
  process.on("message", (message) => {
    if (message !== "weight") return;
    void heldInThreads().then((inThreads) => {
      const objects = heldHere();
      const { external, arrayBuffers, rss } = process.memoryUsage();
      process.send?.({ weight: { objects, inThreads, external, arrayBuffers, rss } });
    });
  });
} else {
  channel.onmessage = ({ data }: { readonly data: Said }) => {
    if (data === "weigh") say({ held: heldHere() });
  };
  say("here");
}
// Nothing here keeps a program alive.
channel.unref();
