/** Preloaded with `node --import`: the published package's name stands for this SDK. */
import { registerHooks } from "node:module";

const sdk = new URL("../index.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === "@hasheeai/agent-sdk-ts" ? sdk : specifier, context),
});
