/**
 * A Vite plugin: the message tables reach the browser compiled, so that no parser of ICU messages ships.
 * Vite is named by shape only, because its types would bring Node's into a layer of the window.
 */
import { compileMessageOrThrow } from "@lingui/message-utils/compileMessage";

type Plugin = {
  readonly name: string;
  load(id: string): Promise<{ code: string; map: null } | null>;
};

const TABLE_FILE = /\/src\/ui\/text\/(?:en|zh-hans)\.ts$/;

/** Compiles each sentence at load; a malformed one fails the build. */
export function compiledTables(): Plugin {
  let loads = 0;
  return {
    name: "parley-compiled-tables",
    async load(id) {
      const path = id.split("?")[0] ?? id;
      if (!TABLE_FILE.test(path)) return null;
      // A fresh query, because Node keeps the first version of a module for ever.
      const tables = (await import(/* @vite-ignore */ `file://${path}?load=${loads++}`)) as Record<
        string,
        Readonly<Record<string, string>>
      >;
      const code = Object.entries(tables)
        .map(([name, table]) => `export const ${name} = ${JSON.stringify(compileTable(table))};`)
        .join("\n");
      return { code, map: null };
    },
  };
}

/** Each sentence as the token list that the runtime reads. */
export const compileTable = (
  table: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(table).map(([key, sentence]) => [key, compileMessageOrThrow(sentence)]),
  );
