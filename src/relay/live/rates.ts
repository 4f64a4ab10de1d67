/** How often who may do what. The numbers are the protocol's; an operator may change them. SPEC P277 to P286. */
import type { Rate } from "./token-bucket.ts";

const every = (count: number, perMs: number): Rate => ({
  perSecond: (count * 1_000) / perMs,
  burst: count,
});
const MINUTE_MS = 60_000;

export const DEFAULT_RATES = {
  register: every(10, 10 * MINUTE_MS),
  login: every(30, 10 * MINUTE_MS),
  userKeys: every(60, MINUTE_MS),
  groupRotation: every(6, 60 * MINUTE_MS),
  agentMessages: { perSecond: 5, burst: 20 },
  humanMessages: { perSecond: 10, burst: 30 },
  deltas: { perSecond: 20, burst: 40 },
  /** Typing, presence, read marks: what is above is dropped without a word. */
  marks: { perSecond: 2, burst: 4 },
  rest: { perSecond: 20, burst: 60 },
  restByAddress: every(30, MINUTE_MS),
  frames: { perSecond: 200, burst: 200 },
} as const satisfies Record<string, Rate>;

export type RateName = keyof typeof DEFAULT_RATES;
export type Rates = Readonly<Record<RateName, Rate>>;

/** Rates as an operator writes them, `rest=50/200, marks=5/10`: so many a second, so many at once. Null: not so. */
export function parseRates(text: string): Partial<Rates> | null {
  const rates: Partial<Record<RateName, Rate>> = {};
  for (const item of text.split(",").filter((one) => one.trim() !== "")) {
    const [, name = "", perSecond, burst] = /^\s*(\w+)=([\d.]+)\/(\d+)\s*$/.exec(item) ?? [];
    const rate = { perSecond: Number(perSecond), burst: Number(burst) };
    if (!isRateName(name) || !(rate.perSecond > 0) || !(rate.burst >= 1)) return null;
    rates[name] = rate;
  }
  return rates;
}

const isRateName = (name: string): name is RateName => Object.hasOwn(DEFAULT_RATES, name);
