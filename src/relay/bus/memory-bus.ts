import { createEmitter } from "#base/emitter.ts";
import type { Ephemeral, EphemeralBus } from "./bus.ts";

/** A bus within one process: publishing is telling. */
export function createMemoryBus(): EphemeralBus {
  const emitter = createEmitter<Ephemeral>();
  return { publish: emitter.emit, onMessage: emitter.on };
}
