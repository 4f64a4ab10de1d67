/**
 * B2 and B3: an answer that arrives in 4,000 deltas, drawn by ours, by react-markdown with remark-gfm on the whole text and
 * by streamdown; processor time of the page's main thread. 8 deltas come in a frame (500 a second). The peers draw at
 * each delta; ours is drawn once a frame, because the worker gathers for 20 ms, and at each delta for comparison.
 * Run: `npx node bench/page/streaming.ts`; shorter with BENCH_DELTAS and BENCH_ROUNDS.
 */
import { machineLine, median, setting } from "../machine.ts";
import { report } from "../report.ts";
import type { Way } from "./growing.tsx";
import { openPage } from "./open-page.ts";

const DELTAS = setting("BENCH_DELTAS", 4_000);
const ROUNDS = setting("BENCH_ROUNDS", 3);
const ANSWER = 20_480;
const PER_FRAME = 8;

const bench = await openPage();

async function grow(
  way: Way,
  size: { from: number; to: number; deltas: number; perDrawing: number },
): Promise<number> {
  const { cpuMs, value } = await bench.measure(() =>
    bench.page.evaluate(([drawn, sizes]) => window.bench.growAnswer(drawn, sizes), [
      way,
      { ...size, perFrame: PER_FRAME },
    ] as const),
  );
  if (!value.includes("What the log shows")) throw new Error(`${way} drew nothing`);
  return cpuMs;
}

console.log(`${DELTAS} deltas, ${ROUNDS} rounds. ${machineLine()}`);
const whole = { from: 0, to: ANSWER, deltas: DELTAS };
await grow("ours", { ...whole, deltas: 200, perDrawing: 1 });
const costs = { ours: [], each: [], whole: [], streamdown: [] } as Record<string, number[]>;
for (let round = 0; round < ROUNDS; round++) {
  costs["ours"]?.push(await grow("ours", { ...whole, perDrawing: PER_FRAME }));
  costs["each"]?.push(await grow("ours", { ...whole, perDrawing: 1 }));
  costs["streamdown"]?.push(await grow("streamdown", { ...whole, perDrawing: 1 }));
  costs["whole"]?.push(await grow("react-markdown", { ...whole, perDrawing: 1 }));
}
const cost = (name: string): number => median(costs[name] ?? []);
const ms = (value: number): string => `${value.toFixed(0)} ms of CPU`;
const eachLine = `; drawn at each delta too: ${ms(cost("each"))}`;
report({
  id: "B2",
  question: `an answer of ${ANSWER} characters in ${DELTAS} deltas, against the whole text anew`,
  figure: ms(cost("ours")) + eachLine,
  peer: `${ms(cost("whole"))}, react-markdown with remark-gfm`,
  ratio: cost("ours") / cost("whole"),
  goal: "at most 1/40",
  isMet: cost("ours") / cost("whole") <= 1 / 40,
});
report({
  id: "B2",
  question: "the same against streamdown",
  figure: ms(cost("ours")),
  peer: `${ms(cost("streamdown"))}, streamdown`,
  ratio: cost("ours") / cost("streamdown"),
  goal: "at most 1/8",
  isMet: cost("ours") / cost("streamdown") <= 1 / 8,
});

/** CPU of one delta of 5 characters on an answer that is `size` long already. */
async function deltaAt(size: number): Promise<number> {
  const deltas = 400;
  const values: number[] = [];
  for (let round = 0; round < ROUNDS + 2; round++) {
    const shape = { perDrawing: 1 };
    const grown = await grow("ours", { ...shape, from: size, to: size + 5 * deltas, deltas });
    const first = await grow("ours", { ...shape, from: size, to: size + 5, deltas: 1 });
    values.push((grown - first) / (deltas - 1));
  }
  return median(values);
}
const [short, long] = [await deltaAt(5_120), await deltaAt(102_400)];
report({
  id: "B3",
  question: "one delta when 100 KB are there, against one when 5 KB are",
  figure: `${long.toFixed(3)} ms of CPU`,
  peer: `${short.toFixed(3)} ms`,
  ratio: long / short,
  goal: "at most 2.5",
  isMet: long / short <= 2.5,
});
await bench.close();
