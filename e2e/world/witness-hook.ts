/**
 * Loaded before a program with `--import`: its primitives are the real ones, witnessed; every secret they meet becomes
 * a line of the file that WITNESS_FILE names.
 */
import { registerHooks } from "node:module";

const PRIMITIVES = new URL("../../src/crypto/primitives.ts", import.meta.url).href;
const WITNESS = new URL("./key-witness.ts", import.meta.url).href;

const SOURCE = `
export * from "${PRIMITIVES}?real";
import { createPrimitives as createReal } from "${PRIMITIVES}?real";
import { appendFileSync } from "node:fs";
import { witnessed } from "${WITNESS}";
export const createPrimitives = async (options) =>
  witnessed(await createReal(options), (hex) => appendFileSync(process.env.WITNESS_FILE, hex + "\\n"));
`;

registerHooks({
  load: (url, context, nextLoad) =>
    url === PRIMITIVES
      ? { format: "module", source: SOURCE, shortCircuit: true }
      : nextLoad(url, context),
});
