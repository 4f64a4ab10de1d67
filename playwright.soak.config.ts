import { defineConfig } from "playwright/test";
import gate from "./playwright.config.ts";

// Every worker reads this file, too.
process.env["PARLEY_PROFILE"] = "soak";

/** The journeys that have more rounds than the gate has time for. */
export default defineConfig({ ...gate, testMatch: "**/tab-is-killed.spec.ts" });
