/**
 * What a relay, a line and processes that come and go may do to a conversation, drawn from a seed: the same seed draws
 * the same steps and the same treatment of the frames that pass.
 */
import type { RandomBytes } from "../../src/base/random.ts";
import { createSeededRandom } from "../../src/base/seeded-random.ts";
import type { RelayFrame } from "../../src/protocol/relay-frame.ts";

/** Who it happens to: a place among the members. */
export type Step =
  | { readonly do: "say"; readonly who: number }
  | { readonly do: "cut"; readonly who: number }
  | { readonly do: "restart"; readonly who: number }
  | { readonly do: "release"; readonly who: number }
  /** Somebody asks the relay something and waits for the answer: things happen meanwhile. */
  | { readonly do: "wait"; readonly who: number }
  | { readonly do: "restart relay" };

export type Schedule = { readonly seed: number; readonly steps: readonly Step[] };

/** How often each kind of step is drawn, in parts of their sum. */
const WEIGHTS: readonly (readonly [Step["do"], number])[] = [
  ["say", 10],
  ["wait", 6],
  ["release", 3],
  ["cut", 3],
  ["restart", 1],
  ["restart relay", 1],
];

/** A number below `limit`. */
export const below = (random: RandomBytes, limit: number): number =>
  new DataView(random(4).buffer).getUint32(0) % limit;

/** Draws `length` steps among `members`; those from `mortals` on have no second life in this process. */
export function drawSchedule(
  seed: number,
  { length, members, mortals }: Readonly<Record<"length" | "members" | "mortals", number>>,
): Schedule {
  const random = createSeededRandom(seed);
  const sum = WEIGHTS.reduce((total, [, weight]) => total + weight, 0);
  const steps = Array.from({ length }, (): Step => {
    let at = below(random, sum);
    const [kind] = WEIGHTS.find(([, weight]) => (at -= weight) < 0) ?? ["wait"];
    const who = below(random, kind === "restart" ? mortals : members);
    return kind === "restart relay" ? { do: kind } : { do: kind, who };
  });
  return { seed, steps };
}

type FrameType = RelayFrame["type"];

/** Frames whose coming late, in another order or never must change nothing. */
export const HELD: readonly FrameType[] = ["message.new", "message.ack"];
/** Frames whose coming twice must change nothing. */
const REPEATED: readonly FrameType[] = HELD;

const MOST_HELD = 8;
/** Of what was heard, so much may be shown again much later. */
const MOST_KEPT = 32;

export type Treatment = {
  /** What becomes of a frame on its way in. */
  hears(frame: RelayFrame): readonly RelayFrame[];
  /** What is held comes with the next frame, in an order of its own. */
  release(): void;
  /** What is held is lost. */
  forget(): void;
  /** The truth from now on. */
  end(): void;
};

/** Repeats, holds back, reorders and replays what one member hears, as its seed has it. */
export function createTreatment(seed: number, mayHold: readonly FrameType[]): Treatment {
  const random = createSeededRandom(seed);
  let [isOver, isReleased] = [false, false];
  let held: RelayFrame[] = [];
  const heard: RelayFrame[] = [];
  const replayed = (): readonly RelayFrame[] =>
    heard.slice(below(random, heard.length)).slice(0, 1);
  const shuffled = (): readonly RelayFrame[] => {
    const left = held;
    held = [];
    const order: RelayFrame[] = [];
    while (left.length > 0) order.push(...left.splice(below(random, left.length), 1));
    return order;
  };
  return {
    hears(frame) {
      if (isOver) return [frame];
      const due = isReleased || held.length >= MOST_HELD ? shuffled() : [];
      isReleased = false;
      const lot = below(random, 10);
      if (lot >= 7 && mayHold.includes(frame.type)) {
        held.push(frame);
        return due;
      }
      if (!REPEATED.includes(frame.type)) return [...due, frame];
      if (lot >= 4) return [frame, ...due, frame];
      if (!mayHold.includes(frame.type)) return [...due, frame];
      if (heard.push(frame) > MOST_KEPT) heard.shift();
      return lot === 3 ? [...due, frame, ...replayed()] : [...due, frame];
    },
    release: () => void (isReleased = true),
    forget: () => void (held = []),
    end() {
      isOver = true;
      held = [];
    },
  };
}
