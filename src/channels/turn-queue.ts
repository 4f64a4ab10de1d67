/** Turns that wait for the one before them: a channel runs one at a time, in the order they were asked. */
import type { ChannelFact, TurnId } from "#peer/channel.ts";

export interface TurnQueue<Turn extends { readonly turnId: TurnId }> {
  /** False when this id was used before; then nothing changed. */
  add(turn: Turn): boolean;
  /** Takes back a turn that waits; false when it does not. */
  withdraw(turnId: TurnId): boolean;
  /** Begins the next turn if the channel is free for one. */
  pump(): void;
  /** Withdraws all that wait. */
  clear(): void;
}

/** Creates an empty queue; `begin` is called for one turn at a time, only while `isFree`. */
export function createTurnQueue<Turn extends { readonly turnId: TurnId }>(options: {
  readonly isFree: () => boolean;
  readonly begin: (turn: Turn) => void;
  readonly tell: (fact: ChannelFact) => void;
}): TurnQueue<Turn> {
  const waiting: Turn[] = [];
  const usedIds = new Set<TurnId>();

  const pump = (): void => {
    while (options.isFree()) {
      const turn = waiting.shift();
      if (turn === undefined) return;
      options.begin(turn);
    }
  };

  return {
    pump,
    add(turn) {
      if (usedIds.has(turn.turnId)) return false;
      usedIds.add(turn.turnId);
      waiting.push(turn);
      if (waiting.length > 1 || !options.isFree())
        options.tell({ type: "turn-queued", turnId: turn.turnId });
      pump();
      return true;
    },
    withdraw(turnId) {
      const at = waiting.findIndex((turn) => turn.turnId === turnId);
      if (at === -1) return false;
      waiting.splice(at, 1);
      options.tell({ type: "turn-withdrawn", turnId });
      return true;
    },
    clear() {
      for (const turn of waiting.splice(0))
        options.tell({ type: "turn-withdrawn", turnId: turn.turnId });
    },
  };
}
