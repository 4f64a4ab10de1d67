import { defineConfig } from "playwright/test";
import { findChromium } from "./e2e/browser/find-chromium.ts";

export default defineConfig({
  testDir: "e2e/browser",
  testMatch: "**/*.spec.ts",
  // Two cores: one browser with its relay and agents at a time keeps what is seen in passing honest.
  workers: 1,
  // How long a thing takes is no claim here: what comes late comes, on whatever machine. A wait ends with its condition.
  timeout: 600_000,
  expect: { timeout: 180_000 },
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
    // A film of every journey, kept of none that passes, took two fifths of all work; what it would show is in the snapshots.
    trace: { mode: "retain-on-failure", screenshots: false },
    screenshot: "only-on-failure",
  },
});
