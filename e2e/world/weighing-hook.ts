/** Loaded before a program with `--import`: asked by its parent, it collects its garbage and says what is left. */
import { getHeapSpaceStatistics } from "node:v8";

/** V8's machine code and bytecode: they grow as long as a program warms up, as the machine's load would have it. */
const ITS_CODE = /(?:^|_)(?:code|trusted)_/;

process.on("message", (message) => {
  if (message !== "weight") return;
  // Twice: what the first round frees may have held more.
  globalThis.gc?.();
  globalThis.gc?.();
  const { external, arrayBuffers, rss } = process.memoryUsage();
  const objects = getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !ITS_CODE.test(name))
    .reduce((sum, { space_used_size: size }) => sum + size, 0);
  process.send?.({ weight: { objects, external, arrayBuffers, rss } });
});
