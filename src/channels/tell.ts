/** How a channel tells facts: each with the time it was learnt, statuses only when they change. */
import type { Clock } from "#base/clock.ts";
import { createEmitter } from "#base/emitter.ts";
import type { ChannelEvent, ChannelFact, ChannelStatus } from "#peer/channel.ts";

export interface Teller {
  on(listener: (event: ChannelEvent) => void): () => void;
  tell(fact: ChannelFact): void;
  tellAll(facts: readonly ChannelFact[]): void;
  status(): ChannelStatus;
  enter(status: ChannelStatus): void;
}

/** Creates a teller whose status is `idle`. After `closed` it tells nothing more. */
export function createTeller(clock: Clock): Teller {
  const events = createEmitter<ChannelEvent>();
  let status: ChannelStatus = { status: "idle" };
  const tell = (fact: ChannelFact): void => {
    if (status.status !== "closed") events.emit({ ...fact, at: clock.now() });
  };
  return {
    on: (listener) => events.on(listener),
    tell,
    tellAll: (facts) => facts.forEach(tell),
    status: () => status,
    enter(next) {
      if (next.status === status.status && next.status !== "waiting") return;
      if (status.status === "closed") return;
      status = next;
      events.emit({ type: "status", status, at: clock.now() });
    },
  };
}
