/** Loaded before a program with `--import`: asked by its parent, it collects its garbage and says what is left. */
process.on("message", (message) => {
  if (message !== "weight") return;
  // Twice: what the first round frees may have held more.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  process.send?.({ weight: { heapUsed, external, arrayBuffers, rss } });
});
