import { createEmitter } from "#base/emitter.ts";
import type { BusMessage, EphemeralBus } from "./bus.ts";

/** A bus within one process: publishing is telling. */
export function createMemoryBus(): EphemeralBus {
  const emitter = createEmitter<BusMessage>();
  return {
    publish: emitter.emit,
    onMessage: emitter.on,
    state: () => "none",
    close: () => Promise.resolve(),
  };
}
