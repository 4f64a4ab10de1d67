/**
 * A Vite plugin: named character references are looked up in a table.
 *
 * The package's build for browsers asks the DOM by writing to `innerHTML`, which Trusted Types refuse on the page and a worker does
 * not have. Its other build does without; it is what Node resolves.
 */
const PACKAGE = "decode-named-character-reference";

export const entitiesWithoutDom = () => ({
  name: "parley-entities-without-dom",
  config: () => ({
    resolve: { alias: { [PACKAGE]: new URL(import.meta.resolve(PACKAGE)).pathname } },
  }),
});
