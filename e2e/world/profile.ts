/** How long the stories run: short in the gate, long with `npm run soak`. */
export const isSoak = import.meta.env.MODE === "soak";

/** The number for the gate, and the one for a soak. */
export const rounds = (gate: number, soak: number): number => (isSoak ? soak : gate);

/** Time for a story, generous: a story that waits for what never comes is to fail with its own words. */
export const timeoutMs = (gate: number, soak: number): { readonly timeout: number } => ({
  timeout: isSoak ? soak : gate,
});
