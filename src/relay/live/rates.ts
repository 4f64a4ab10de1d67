/** How often who may do what. The numbers are the protocol's; an operator may change them. SPEC R-rates. */
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
