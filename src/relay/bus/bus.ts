/**
 * Carries what is never stored (typing, presence, deltas) and hints to whoever is connected, at most once, in the
 * order of each publisher. One process needs none of it on a wire; several share a broker behind this interface.
 * Whoever publishes hears it too, at once. SPEC P90.
 */
import type { AccountId } from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";
import type { BusNotice } from "./bus-message.ts";

/** A frame for every socket of some accounts. */
export type Ephemeral = {
  readonly to: readonly AccountId[];
  readonly frame: RelayFrame;
  /** The connection it came from, which does not hear itself. */
  readonly except: string | null;
  /** May be dropped when a socket is slow. */
  readonly droppable: boolean;
};

/** A frame for one socket, on whatever node it is. */
export type Reply = { readonly connection: string; readonly frame: RelayFrame };

export type BusMessage =
  | ({ readonly kind: "frame" } & Ephemeral)
  | ({ readonly kind: "reply" } & Reply)
  | BusNotice;

/** none: this process is alone. down: other nodes hear nothing until the broker is back. */
export type BusState = "none" | "up" | "down";

export interface EphemeralBus {
  publish(message: BusMessage): void;
  onMessage(listener: (message: BusMessage) => void): () => void;
  state(): BusState;
  close(): Promise<void>;
}
