/** What a build makes a browser load, by what is shown: read from the built files themselves. */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

/** What is shown, as the scripts that must be here before it is. */
export type BuiltScripts = {
  /** The first screen of a first visit, in English. */
  readonly firstVisit: ReadonlySet<string>;
  /** The list, for who has an account. */
  readonly list: ReadonlySet<string>;
  /** A thread, its cards and its Markdown, beside the list. */
  readonly thread: ReadonlySet<string>;
  /** The worker on a device without an account. */
  readonly porch: ReadonlySet<string>;
  /** The worker of an open account. */
  readonly engine: ReadonlySet<string>;
};

/** Reads the build in `dist`. Throws where a script it looks for is not there exactly once. */
export function readBuiltScripts(dist: string): BuiltScripts {
  const only = (pattern: string): string => {
    const [file, ...others] = globSync(join(dist, "assets", pattern));
    if (file === undefined || others.length > 0) throw new Error(`one ${pattern} in ${dist}`);
    return basename(file);
  };
  const withImports = (...files: readonly string[]): ReadonlySet<string> => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const other of importsOf(readFileSync(join(dist, "assets", file), "utf8"))) visit(other);
    };
    for (const file of files) visit(file);
    return seen;
  };
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const named = [...html.matchAll(/(?:src|href)="\/assets\/([\w.-]+\.js)"/g)];
  const entries = [...named.map(([, file = ""]) => file), only("en-*.js")];
  const worker = only("worker-*.js");
  return {
    firstVisit: withImports(...entries),
    list: withImports(...entries, only("MainScreen-*.js")),
    thread: withImports(...entries, only("MainScreen-*.js"), only("ThreadScreen-*.js")),
    porch: withImports(worker),
    engine: withImports(worker, only("engine-*.js"), only("primitives-*.js")),
  };
}

/** What a script imports at once; what it may fetch later is no part of it. */
const importsOf = (code: string): readonly string[] =>
  [...code.matchAll(/(?:from|^import|;import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)].map(
    ([, file = ""]) => file,
  );

/** Sum of the files' sizes, each compressed as a server does. */
export const gzipBytes = (dist: string, files: Iterable<string>): number =>
  [...files].reduce(
    (sum, file) => sum + gzipSync(readFileSync(join(dist, "assets", file))).length,
    0,
  );
