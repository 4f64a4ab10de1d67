/**
 * B7: what a first visit loads before anything is pressed: scripts of the page with the words of one language, and of the
 * worker, gzip. Run: npm run build && node bench/bundle.ts [folder of the build]
 */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { report } from "./report.ts";

const PAGE_BYTES = 150_000;
const WORKER_BYTES = 45_000;

const dist = process.argv[2] ?? "dist";
const assets = join(dist, "assets");

/** A script and everything it imports at once. */
function withImports(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const code = readFileSync(join(assets, file), "utf8");
  for (const [, other = ""] of code.matchAll(
    /(?:from|^import|;import)\s*["']\.\/([\w.-]+\.js)["']/g,
  ))
    withImports(other, seen);
  return seen;
}

const gzipBytes = (files: Iterable<string>): number =>
  [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(assets, file))).length, 0);

function only(pattern: string): string {
  const [file, ...others] = globSync(join(assets, pattern));
  if (file === undefined || others.length > 0) throw new Error(`one ${pattern} in ${assets}`);
  return basename(file);
}

const html = readFileSync(join(dist, "index.html"), "utf8");
const entries = [...html.matchAll(/(?:src|href)="\/assets\/([\w.-]+\.js)"/g)].map(
  ([, file = ""]) => file,
);
const page = new Set(entries.flatMap((entry) => [...withImports(entry)]));
const words = only("en-*.js");
const worker = withImports(only("worker-*.js"));
const wasm = globSync(join(dist, "**/*.wasm"));

const pageBytes = gzipBytes([...page, words]);
const workerBytes = gzipBytes(worker);
const kb = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} KB`;
report({
  id: "B7",
  question: "scripts of the page at the first visit, gzip",
  figure: `${kb(pageBytes)} in ${page.size + 1} files`,
  peer: "circlechat 204 KB, ironclaw 349 KB, superdav 384 KB (published)",
  goal: `at most ${kb(PAGE_BYTES)}`,
  isMet: pageBytes <= PAGE_BYTES,
});
report({
  id: "B7",
  question: "scripts of the worker, gzip",
  figure: `${kb(workerBytes)} in ${worker.size} files, ${wasm.length} wasm files in the build`,
  goal: `at most ${kb(WORKER_BYTES)}, no wasm`,
  isMet: workerBytes <= WORKER_BYTES && wasm.length === 0,
});
