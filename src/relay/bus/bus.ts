/**
 * Carries what is never stored (typing, presence, deltas) and hints to whoever is connected, at most once.
 * One process needs none of it on a wire; several would share a broker behind this interface. SPEC P90.
 */
import type { AccountId } from "#protocol/ids.ts";
import type { RelayFrame } from "#protocol/relay-frame.ts";

export type Ephemeral = {
  readonly to: readonly AccountId[];
  readonly frame: RelayFrame;
  /** The connection it came from, which does not hear itself. */
  readonly except: string | null;
  /** May be dropped when a socket is slow. */
  readonly droppable: boolean;
};

export interface EphemeralBus {
  publish(message: Ephemeral): void;
  onMessage(listener: (message: Ephemeral) => void): () => void;
}
