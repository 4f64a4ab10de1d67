/**
 * Everything that is on its way in a story, in one process: what goes one way over one line stays in its order, and a
 * seed draws which line goes on next. What comes of a message is done, as far as it needs no clock, before the next comes.
 */
import type { RandomBytes } from "../../src/base/random.ts";
import { below } from "./hostile-schedule.ts";

export interface Lane {
  push(arrive: () => void): void;
  /** What is still on its way never comes. */
  cut(): void;
}

export interface Wire {
  /** One way over one line. */
  lane(): Lane;
  /** A way of its own: resolves when its turn has come. */
  turn(): Promise<void>;
  /** A number of turns, drawn. */
  pause(): Promise<void>;
  /** Heads or tails. */
  lot(): boolean;
}

const LONGEST_PAUSE = 40;

export function createWire(random: RandomBytes): Wire {
  /** Ways with something on them. */
  const busy: { waiting: (() => void)[] }[] = [];
  const goOn = (): void => {
    const way = busy[below(random, busy.length)];
    const arrive = way?.waiting.shift();
    if (way?.waiting.length === 0) busy.splice(busy.indexOf(way), 1);
    if (busy.length > 0) setImmediate(goOn);
    arrive?.();
  };
  const push = (way: { waiting: (() => void)[] }, arrive: () => void): void => {
    if (way.waiting.push(arrive) > 1) return;
    if (busy.push(way) === 1) setImmediate(goOn);
  };
  const turn = (): Promise<void> => new Promise((resolve) => push({ waiting: [] }, resolve));
  return {
    lane() {
      let way = { waiting: [] as (() => void)[] };
      return {
        push: (arrive) => push(way, arrive),
        cut() {
          // Its turn is still drawn, with nothing in it: who cuts does not change what else comes when.
          for (const [i] of way.waiting.entries()) way.waiting[i] = () => undefined;
          way = { waiting: [] };
        },
      };
    },
    lot: () => below(random, 2) === 0,
    turn,
    async pause() {
      for (let left = below(random, LONGEST_PAUSE); left > 0; left--) await turn();
    },
  };
}
