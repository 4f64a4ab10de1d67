import { defineConfig } from "playwright/test";
import { findChromium } from "./e2e/browser/find-chromium.ts";

export default defineConfig({
  testDir: "e2e/browser",
  testMatch: "**/*.spec.ts",
  // Two cores: one browser with its relay and agents at a time keeps timings honest.
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"], ["./e2e/browser/closing-line.ts"]],
  forbidOnly: true,
  globalSetup: "./e2e/browser/build-client.ts",
  use: {
    launchOptions: {
      executablePath: findChromium(),
      args: [
        "--no-sandbox",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
  },
});
