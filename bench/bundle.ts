/**
 * B7: what is loaded before anything is pressed, gzip: scripts of the page with the words of one language, and of the
 * worker; at a first visit, and beside it for who has an account. Run: npm run build && node bench/bundle.ts [folder]
 */
import { globSync } from "node:fs";
import { join } from "node:path";
import { gzipBytes, readBuiltScripts } from "./built-scripts.ts";
import { report } from "./report.ts";

const PAGE_BYTES = 150_000;
const WORKER_BYTES = 45_000;

const dist = process.argv[2] ?? "dist";
const { firstVisit, list, thread, porch, engine } = readBuiltScripts(dist);
const wasm = globSync(join(dist, "**/*.wasm"));
const bytes = (files: ReadonlySet<string>): number => gzipBytes(dist, files);
const kb = (size: number): string => `${(size / 1_000).toFixed(1)} KB`;

report({
  id: "B7",
  question: "scripts of the page at the first visit, gzip",
  figure: `${kb(bytes(firstVisit))} in ${firstVisit.size} files; with an account ${kb(bytes(list))} to the list, ${kb(bytes(thread))} to a thread`,
  peer: "circlechat 204 KB, ironclaw 349 KB, superdav 384 KB (published)",
  goal: `at most ${kb(PAGE_BYTES)}`,
  isMet: bytes(firstVisit) <= PAGE_BYTES,
});
report({
  id: "B7",
  question: "scripts of the worker at the first visit, gzip",
  figure: `${kb(bytes(porch))} in ${porch.size} files; with an account ${kb(bytes(engine))}; ${wasm.length} wasm files in the build`,
  goal: `at most ${kb(WORKER_BYTES)}, no wasm`,
  isMet: bytes(porch) <= WORKER_BYTES && wasm.length === 0,
});
