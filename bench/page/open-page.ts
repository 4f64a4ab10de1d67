/** Builds the bench page as the client is built, serves it on loopback and opens it in Chromium. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { chromium, type Page } from "playwright";
import { build, preview } from "vite";
import { findChromium } from "../../e2e/browser/find-chromium.ts";
import { entitiesWithoutDom } from "../../src/ui/markdown/entities-plugin.ts";
import { compiledTables } from "../../src/ui/text/compile-tables.ts";
import type { Bench } from "./page.tsx";

export type BenchPage = {
  readonly page: Page;
  /** Runs a task in the page. Processor time of its main thread, in milliseconds, and what the task gave. */
  measure<Value>(task: () => Promise<Value>): Promise<Measured<Value>>;
  close(): Promise<void>;
};

export type Measured<Value> = {
  /** All of it, painting included. */
  readonly cpuMs: number;
  /** Script, style and layout. */
  readonly workMs: number;
  readonly value: Value;
};

declare global {
  interface Window {
    readonly bench: Bench;
  }
}

export async function openPage(): Promise<BenchPage> {
  const outDir = mkdtempSync(join(tmpdir(), "parley-bench-"));
  const place = {
    configFile: false as const,
    root: "bench/page",
    logLevel: "error" as const,
    plugins: [react(), entitiesWithoutDom(), compiledTables()],
    worker: { format: "es" as const },
    build: { outDir, emptyOutDir: true, target: "es2023", modulePreload: { polyfill: false } },
  };
  await build(place);
  const server = await preview({ ...place, preview: { host: "127.0.0.1", port: 0 } });
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--no-first-run"],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on("pageerror", (fault) => console.error(fault));
  await page.goto(server.resolvedUrls?.local[0] ?? "");
  await page.waitForFunction(() => "bench" in window);
  const tools = await page.context().newCDPSession(page);
  await tools.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async (...names: readonly string[]): Promise<number> => {
    const { metrics } = await tools.send("Performance.getMetrics");
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? NaN;
    return names.reduce((sum, name) => sum + of(name), 0) * 1_000;
  };
  const work = () => spent("ScriptDuration", "RecalcStyleDuration", "LayoutDuration");
  return {
    page,
    async measure(task) {
      const [cpuBefore, workBefore] = [await spent("TaskDuration"), await work()];
      const value = await task();
      const workMs = (await work()) - workBefore;
      return { cpuMs: (await spent("TaskDuration")) - cpuBefore, workMs, value };
    },
    async close() {
      await browser.close();
      await server.close();
      rmSync(outDir, { recursive: true, force: true });
    },
  };
}
