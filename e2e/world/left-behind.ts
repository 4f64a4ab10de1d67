/** What a relay leaves where somebody else could read it: its files, its log, its metrics, a backup. */
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backUp } from "../../src/relay/operation/backup.ts";
import { createSearch, formsOfText } from "./needles.ts";

/** Bytes by where they were found. */
export type LeftBehind = ReadonlyMap<string, Buffer>;

/** Everything in a folder and below it. */
export const filesOf = (folder: string): LeftBehind =>
  new Map(
    globSync("**/*", { cwd: folder })
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => [file, readFileSync(join(folder, file))]),
  );

/** What a running relay tells whoever asks how it is. */
export const metricsOf = async (port: number): Promise<LeftBehind> =>
  new Map([
    ["metrics", Buffer.from(await (await fetch(`http://127.0.0.1:${port}/metrics`)).arrayBuffer())],
  ]);

/** The files of a backup of a relay that has ended. */
export async function backupOf(dataFolder: string): Promise<LeftBehind> {
  const target = mkdtempSync(join(tmpdir(), "parley-backup-"));
  const done = await backUp(dataFolder, target);
  if (!done.ok) throw new Error(JSON.stringify(done.failure));
  const files = [...filesOf(target)].map(([name, bytes]) => [`backup, ${name}`, bytes] as const);
  rmSync(target, { recursive: true });
  return new Map(files);
}

/** Shorter texts stand somewhere by chance. */
const LONG_ENOUGH_BYTES = 8;
/** Of thousands of texts so many are looked for. */
const MAX_TEXTS = 64;

/** Where a text that people wrote stands, in any usual form; throws where no text is long enough to be looked for. */
export function leaksIn(left: LeftBehind, texts: readonly string[]): readonly string[] {
  const long = [...new Set(texts)].filter((text) => Buffer.byteLength(text) >= LONG_ENOUGH_BYTES);
  if (long.length === 0) throw new Error("no text is long enough to be looked for");
  if (left.size === 0) throw new Error("there is nothing to look into");
  const step = Math.ceil(long.length / MAX_TEXTS);
  const some = long.filter((_, i) => i % step === 0);
  const search = createSearch(new Map(some.flatMap((text) => formsOfText(text, text))));
  return [...left].flatMap(([name, bytes]) => search.in(bytes).map((text) => `${name}: ${text}`));
}
