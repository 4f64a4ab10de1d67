import type { Clock } from "#base/clock.ts";

/** A browser may still read the address for a while after the press. */
const KEPT_FOR_MS = 60_000;

/** Hands bytes to the browser's own way of saving, under a name. */
export function saveBytes(clock: Clock, bytes: Blob, name: string): void {
  const url = URL.createObjectURL(bytes);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  clock.after(KEPT_FOR_MS, () => URL.revokeObjectURL(url));
}
