/**
 * B6: 50,000 messages sealed at rest, in commits of a hundred that wait for the disk, against one plain record of
 * IndexedDB each, in the same commits; then the newest hundred, and a search that finds nothing.
 * Run: `npx node bench/page/store.ts`; smaller with BENCH_ROWS.
 */
import { machineLine, median, setting } from "../machine.ts";
import { report, thousands } from "../report.ts";
import { openPage } from "./open-page.ts";

const ROWS = setting("BENCH_ROWS", 50_000);
const ROUNDS = setting("BENCH_ROUNDS", 3);
const SEARCHES = 5;

console.log(`${ROWS} messages, ${ROUNDS} rounds. ${machineLine()}`);
const sealedMs: number[] = [];
const plainMs: number[] = [];
const newestMs: number[] = [];
const firstSearchMs: number[] = [];
const searchMs: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const { page, close } = await openPage();
  sealedMs.push(await page.evaluate((rows) => window.bench.storeSealed("sealed", rows), ROWS));
  plainMs.push(await page.evaluate((rows) => window.bench.storePlain("plain", rows), ROWS));
  newestMs.push(await page.evaluate(() => window.bench.readNewest("sealed")));
  const [first = Number.NaN, ...rest] = await page.evaluate(
    (times) => window.bench.searchForNothing("sealed", times),
    SEARCHES,
  );
  firstSearchMs.push(first);
  searchMs.push(median(rest));
  await close();
}
const [ours, peer] = [median(sealedMs), median(plainMs)];
report({
  id: "B6",
  question: `${thousands(ROWS)} messages on disk, encrypted at rest`,
  figure: `${ours.toFixed(0)} ms`,
  peer: `${peer.toFixed(0)} ms, IndexedDB with one plain record each`,
  ratio: ours / peer,
  goal: "at most 1/8",
  isMet: ours / peer <= 1 / 8,
});
report({
  id: "B6",
  question: "the newest hundred, decrypted",
  figure: `${median(newestMs).toFixed(1)} ms`,
  goal: "5 ms or less",
  isMet: median(newestMs) <= 5,
});
report({
  id: "B6",
  question: `a search that finds nothing in ${thousands(ROWS)} messages, warm`,
  figure: `${median(searchMs).toFixed(1)} ms; the first one ${median(firstSearchMs).toFixed(0)} ms`,
  goal: "25 ms or less",
  isMet: median(searchMs) <= 25,
});
