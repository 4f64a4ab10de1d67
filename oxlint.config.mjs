// One table says who may import whom; the compiler's project references say the same, and a test compares the two.
export const mayImport = {
  base: [],
  protocol: ["base"],
  crypto: ["base", "protocol"],
  peer: ["base", "protocol", "crypto"],
  channels: ["base", "peer"],
  bridge: ["base", "protocol"],
  engine: ["base", "protocol", "crypto", "peer", "channels", "bridge"],
  stores: ["base", "bridge"],
  ui: ["base", "stores"],
  relay: ["base", "protocol"],
  sdk: ["base", "protocol", "crypto", "peer"],
  cli: ["base", "protocol", "sdk"],
  gateway: ["base", "peer", "channels", "sdk"],
  pwa: ["base"],
  start: ["base", "protocol"],
};

const layers = Object.keys(mayImport);
const nodeLayers = ["relay", "sdk", "cli", "gateway", "start"];

/** Layers that a layer may not name, as one restricted-import pattern with the sentence that says what it may. */
const wall = (layer) => {
  const closed = layers.filter((other) => other !== layer && !mayImport[layer].includes(other));
  const allowed = mayImport[layer].join(", ") || "nothing";
  return {
    files: [`src/${layer}/**/*.ts`, `src/${layer}/**/*.tsx`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: closed.map((other) => `#${other}/**`),
              message: `${layer} may import ${allowed}.`,
            },
            { group: ["../../**"], message: "Use #layer/file.ts across layers." },
            ...(nodeLayers.includes(layer)
              ? []
              : [{ group: ["node:*"], message: `${layer} runs where Node is not.` }]),
            ...(layer === "crypto"
              ? []
              : [{ group: ["@noble/**"], message: "Only crypto/primitives.ts imports @noble." }]),
          ],
        },
      ],
    },
  };
};

export default {
  plugins: ["typescript", "unicorn", "import", "oxc", "promise", "react"],
  categories: { correctness: "error", suspicious: "error" },
  options: { reportUnusedDisableDirectives: "error" },
  rules: {
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/switch-exhaustiveness-check": "error",
    // A factory `createX` holds its state and its functions, each short; it may be long as a whole.
    "max-lines-per-function": ["error", { max: 200, skipBlankLines: true, skipComments: true }],
    "no-console": "error",
    // `v.string()` of a namespace import is how valibot, React and others are meant to be read.
    // Vite makes the default export of `?url` imports.
    "import/default": "off",
    "import/no-named-as-default-member": "off",
    "import/no-named-as-default": "off",
    // The compiler's own advice; refs here hold scroll facts that must not redraw.
    // What the React Compiler could not optimize; it is not used here.
    "react/preserve-manual-memoization": "off",
    "react/refs": "off",
    "react/immutability": "off",
    "react/set-state-in-effect": "off",
    "react/no-did-update-set-state": "off",
    "react/exhaustive-effect-dependencies": "off",
    // React 19 compiles JSX without the name in scope.
    "react/react-in-jsx-scope": "off",
    // Awaiting in order is the point of queues, chains and logs here.
    "no-await-in-loop": "off",
    // Shadowing a short name in a small inner function is clearer than a second name for one thing.
    "no-shadow": "off",
    // `import "./x.css"` is how a stylesheet is bundled.
    "import/no-unassigned-import": "off",
    // Names that start with an underscore are dropped members.
    "no-underscore-dangle": "off",
    // A copy taken before a loop guards against changes made while it runs.
    "unicorn/no-useless-spread": "off",
    // A `then` that only ends a chain has nothing to return.
    "promise/always-return": "off",
    // Small functions stand where they are used.
    "unicorn/consistent-function-scoping": "off",
    // MessagePort and Worker take no target origin.
    "unicorn/require-post-message-target-origin": "off",
    // Arrays here are small; mutating a fresh copy reads better than toSorted chains in hot paths.
    "unicorn/no-array-sort": "off",
    "unicorn/no-array-reverse": "off",
    // Ports start when `onmessage` is set; listeners would need a second call.
    "unicorn/prefer-add-event-listener": "off",
  },
  overrides: [
    ...layers.map(wall),
    {
      // Below the screens every function reads in one go.
      files: ["base", "protocol", "crypto", "peer", "relay", "sdk", "cli", "start"].map(
        (layer) => `src/${layer}/**/*.ts`,
      ),
      rules: {
        "max-lines-per-function": ["error", { max: 90, skipBlankLines: true, skipComments: true }],
      },
    },
    {
      files: ["src/crypto/primitives.ts", "src/crypto/known-answers.ts"],
      rules: { "no-restricted-imports": "off" },
    },
    {
      files: [
        "**/*.test.ts",
        "**/*.test.tsx",
        "**/*.contract.ts",
        "e2e/**",
        "bench/**",
        "src/**/vectors/**",
      ],
      rules: {
        "max-lines-per-function": "off",
        // What a socket said is looked at as it came.
        "typescript/no-explicit-any": "off",
        // Fixtures and reporters have the shape their tool asks for.
        "no-empty-pattern": "off",
        "import/no-default-export": "off",
        "promise/no-callback-in-promise": "off",
        "unicorn/no-array-fill-with-reference-type": "off",
        "no-restricted-imports": "off",
        "no-console": "off",
      },
    },
    {
      // Tools read their settings from a default export; command lines print.
      files: [
        "*.config.ts",
        "*.config.mjs",
        "src/start/**",
        "src/relay/main.ts",
        "src/gateway/main.ts",
        "src/sdk/examples/**",
        "src/sdk/samples/**",
      ],
      rules: { "import/no-default-export": "off", "no-console": "off" },
    },
    {
      files: ["**/*.tsx"],
      rules: {
        "max-lines-per-function": ["error", { max: 140, skipBlankLines: true, skipComments: true }],
      },
    },
  ],
  ignorePatterns: ["dist/**", "data/**", "node_modules/**"],
};
