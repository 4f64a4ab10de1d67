/** What every bus must do, whatever carries it: `describeBus` is run on each. */
import { describe, expect, test } from "vitest";
import type { RelayFrameOf } from "#protocol/relay-frame.ts";
import { anId } from "../relay-world.contract.ts";
import type { AccountId, ConversationId } from "#protocol/ids.ts";
import type { BusMessage, EphemeralBus } from "./bus.ts";

/** A typing sign in a fresh conversation. */
export function aSign(): Extract<BusMessage, { kind: "frame" }> {
  const frame: RelayFrameOf<"typing"> = {
    type: "typing",
    conversation_id: anId<ConversationId>(),
    sender_id: anId<AccountId>(),
    sender_type: "human",
    state: "start",
    expires_in_ms: 5_000,
  };
  return { kind: "frame", to: [anId<AccountId>()], frame, except: null, droppable: true };
}

/** What a bus hears, and a promise for its first `count` messages. */
export function listenTo(bus: EphemeralBus) {
  const heard: BusMessage[] = [];
  const waits: { readonly count: number; readonly resolve: () => void }[] = [];
  const off = bus.onMessage((message) => {
    heard.push(message);
    for (const { count, resolve } of waits) if (heard.length >= count) resolve();
  });
  return {
    heard,
    off,
    until: (count: number): Promise<void> =>
      heard.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waits.push({ count, resolve })),
  };
}

/** `connect` gives ends of one bus, as so many nodes would hold them. */
export function describeBus(name: string, connect: (count: number) => Promise<EphemeralBus[]>) {
  describe(name, () => {
    test("[R40] what a node publishes every node hears, itself at once, in the order it was said", async () => {
      const [here, there] = await connect(2);
      if (here === undefined || there === undefined) throw new Error("two ends are needed");
      const own = listenTo(here);
      const other = listenTo(there);
      const said = Array.from({ length: 50 }, aSign);

      for (const message of said) here.publish(message);
      const heardAtOnce = own.heard.length;
      await other.until(said.length);
      // Behind all of them: by then an echo of its own words would have come back.
      const last = aSign();
      there.publish(last);
      await own.until(said.length + 1);

      expect(heardAtOnce).toBe(said.length);
      expect(own.heard).toEqual([...said, last]);
      expect(other.heard).toEqual([...said, last]);
    });

    test("[R40] whoever stops listening hears nothing more", async () => {
      const [here] = await connect(1);
      if (here === undefined) throw new Error("an end is needed");
      const [leaver, stayer] = [listenTo(here), listenTo(here)];

      leaver.off();
      here.publish(aSign());

      expect(leaver.heard).toEqual([]);
      expect(stayer.heard).toHaveLength(1);
    });
  });
}
