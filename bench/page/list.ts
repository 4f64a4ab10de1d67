/**
 * B5: a thread of 50,000 rows. What a piece of a live answer costs the page's main thread in the list that the app uses
 * (virtua) and in react-virtuoso, both with the same bare rows, whether the end stays in view in every painted frame, and whether anything moves when a hundred older rows
 * come. Run: `npx node bench/page/list.ts`; smaller with BENCH_ROWS.
 */
import { machineLine, median, setting } from "../machine.ts";
import { report, thousands } from "../report.ts";
import { openPage } from "./open-page.ts";
import type { ListWay, Prepended, Streamed } from "./thread.tsx";

const ROWS = setting("BENCH_ROWS", 50_000);
const ROUNDS = setting("BENCH_ROUNDS", 3);
const UPDATES = 300;

console.log(`${ROWS} rows, ${ROUNDS} rounds. ${machineLine()}`);
const costs: Record<ListWay, number[]> = { app: [], virtua: [], virtuoso: [] };
const atEnd: Record<ListWay, number> = { app: 0, virtua: 0, virtuoso: 0 };
let moved: Prepended = { frames: 0, rows: 0, movedPx: Number.NaN };
for (let round = 0; round < ROUNDS; round++) {
  for (const way of ["app", "virtua", "virtuoso"] as const) {
    const bench = await openPage();
    const call = (name: "mount" | "stream" | "prepend") =>
      bench.page.evaluate(
        ([list, rows, what, updates]) => window.bench.mountThread(list, rows, what, updates),
        [way, ROWS, name, UPDATES] as const,
      );
    await call("mount");
    const { workMs, value } = await bench.measure(() => call("stream"));
    costs[way].push(workMs / UPDATES);
    atEnd[way] += (value as Streamed).framesAtEnd;
    if (way === "app") {
      await bench.page.mouse.move(640, 400);
      await bench.page.mouse.wheel(0, -100_000_000);
      moved = (await call("prepend")) as Prepended;
    }
    await bench.close();
  }
}
const [ours, peer] = [median(costs.virtua), median(costs.virtuoso)];
report({
  id: "B5",
  question: `one piece of a live answer under ${thousands(ROWS)} rows`,
  figure: `${ours.toFixed(2)} ms of CPU for script, style and layout; in the whole app ${median(costs.app).toFixed(2)} ms`,
  peer: `${peer.toFixed(2)} ms, react-virtuoso`,
  ratio: ours / peer,
  goal: "at most 1/3",
  isMet: ours / peer <= 1 / 3,
});
const painted = ROUNDS * UPDATES;
report({
  id: "B5",
  question: "painted frames of a live answer that show its end",
  figure: `${atEnd.app} of ${painted}`,
  peer: `${atEnd.virtuoso} of ${painted}, react-virtuoso`,
  goal: "all",
  isMet: atEnd.app === painted,
});
report({
  id: "B5",
  question: "how far the row in view moves when older ones come in front of it",
  figure: `${moved.movedPx.toFixed(1)} px at most in ${moved.frames} frames, ${moved.rows} rows came`,
  goal: "0 px, 100 rows",
  isMet: moved.movedPx < 0.5 && moved.rows === 100,
});
