import { existsSync, statSync, globSync } from "node:fs";
import { build } from "vite";

/** Builds the client once before the journeys unless a build newer than every source is there. */
export default async function buildClient(): Promise<void> {
  const built = "dist/index.html";
  const sources = [
    "index.html",
    "vite.config.ts",
    "package-lock.json",
    ...globSync("src/**/*.{ts,tsx,css}"),
    ...globSync("public/**/*.*"),
  ];
  const isFresh =
    existsSync(built) && sources.every((file) => statSync(file).mtimeMs < statSync(built).mtimeMs);
  if (!isFresh) await build({ logLevel: "warn" });
}
