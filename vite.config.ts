import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { type ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";
import { VitePWA } from "vite-plugin-pwa";
import { entitiesWithoutDom } from "./src/ui/markdown/entities-plugin.ts";
import { compiledTables } from "./src/ui/text/compile-tables.ts";

const relayUrl = process.env["PARLEY_RELAY_URL"] ?? "http://127.0.0.1:8787";

/** The relay's own paths; everything else belongs to the app. */
const RELAY_PATHS = [
  "auth",
  "users",
  "contacts",
  "keys",
  "agents",
  "invites",
  "relations",
  "conversations",
  "groups",
  "files",
  "push",
  "health",
  "ready",
  "live",
  "metrics",
];

const proxy: Record<string, ProxyOptions> = {
  "^/ws/": { target: relayUrl, ws: true },
  // A page's own path may begin like a relay path (/contacts): what asks for a document is for the app.
  [`^/(${RELAY_PATHS.join("|")})(/|$|\\?)`]: {
    target: relayUrl,
    bypass: (request) =>
      request.headers.accept?.includes("text/html") === true ? "/index.html" : undefined,
  },
};

/** What the relay does over REST and sockets once more, standing on a PostgreSQL of the run's own, where one is installed. */
const ON_POSTGRES = {
  extends: true as const,
  test: {
    name: "postgres",
    include: [
      "src/relay/http/{auth,conversations,device-notes,files,idempotency,manifests,operation,people,polling,relations,rest,ways}.test.ts",
      "src/relay/live/{delivery,marks,messages,streams}.test.ts",
      "src/relay/{directory,nodes}/*.test.ts",
      "src/relay/{push/push,webhook/webhooks,relay,operator}.test.ts",
    ],
    env: { RELAY_TEST_STORE: "postgres" },
  },
};

/** The image is built of sources without their tests: what belongs to those is read by them alone. */
async function postgresProjects(): Promise<readonly (typeof ON_POSTGRES)[]> {
  if (process.env["VITEST"] === undefined) return [];
  // Computed, so that bundling this file does not look for it.
  const path = join(import.meta.dirname, "src/sdk/shared/real-servers.contract.ts");
  const { startPostgres }: typeof import("./src/sdk/shared/real-servers.contract.ts") =
    await import(path);
  return startPostgres === null ? [] : [ON_POSTGRES];
}

const onPostgres = await postgresProjects();

export default defineConfig(({ mode }) => ({
  plugins: [
    react(),
    entitiesWithoutDom(),
    // Tests read the tables as written.
    ...(process.env["VITEST"] === undefined ? [compiledTables()] : []),
    VitePWA({
      strategies: "injectManifest",
      srcDir: "src/pwa",
      filename: "service-worker.ts",
      injectRegister: false,
      manifest: false,
      injectManifest: {
        globPatterns: ["**/*.{js,css,html,woff2,svg,png,webmanifest}"],
        globIgnores: ["**/manifest-*.json", "screenshots/**"],
      },
      devOptions: { enabled: false },
    }),
  ],
  worker: { format: "es" },
  // A dependency found late is bundled anew, and a worker that is loading meanwhile never starts: all are found ahead.
  optimizeDeps: {
    entries: ["index.html", "src/engine/worker.ts", "src/ui/markdown/render-worker.ts"],
  },
  build: {
    target: "es2023",
    sourcemap: true,
    assetsInlineLimit: 0,
    // Parts are fetched late, their style is not: nothing is ever drawn bare, and its order stays that of one sheet.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    port: Number(process.env["PARLEY_PORT"] ?? 5173),
    strictPort: true,
    proxy,
    headers: {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
    },
  },
  test: {
    // A story waits for lines, processes and disks as much as it works: three at a time fill two cores.
    maxWorkers: 3,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // What a test waits for comes when the machine has time for it; short of the test's own limit, so that it says what was missing.
    expect: { poll: { timeout: 250_000 } },
    projects: [
      {
        extends: true,
        // A project does not take the command line's by itself; `npm run soak` is a mode.
        mode,
        test: {
          name: "native",
          include: [
            "src/**/*.test.ts",
            "src/**/*.test.tsx",
            "e2e/house/**/*.test.ts",
            "e2e/scenarios/**/*.test.ts",
          ],
        },
      },
      {
        // All that speaks the protocol once more, on a platform without native primitives.
        extends: true,
        test: {
          name: "noble",
          include: [
            "src/{crypto,peer}/**/*.test.ts",
            "src/sdk/agent*.test.ts",
            // Of the engine what rests on keys; ways in by password are Argon2 and noble either way.
            "src/engine/{cut-off,device-link,devices,security}.test.ts",
            "src/engine/store/{door,idb-store}.test.ts",
            "src/sdk/{artifacts,files,local,outgoing,reading,shared,webhook}/**/*.test.ts",
          ],
          // The first compare the two, and need the native ones for that; the last is about the disk.
          exclude: ["src/crypto/primitives*.test.ts", "src/peer/crash-at-every-write.test.ts"],
          setupFiles: ["e2e/house/without-native.ts"],
        },
      },
      ...onPostgres,
    ],
  },
}));
