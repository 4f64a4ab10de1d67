import { existsSync } from "node:fs";
import { chromium } from "playwright";

const SYSTEM_PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** Path of a Chromium: PARLEY_CHROMIUM, the system's, then Playwright's own. Throws with advice when there is none. */
export function findChromium(): string {
  const asked = process.env["PARLEY_CHROMIUM"];
  if (asked !== undefined && asked !== "") return asked;
  const found = [...SYSTEM_PATHS, chromium.executablePath()].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    "No Chromium found. Install one (Debian: apt-get install chromium; others: npx playwright install chromium) or set PARLEY_CHROMIUM to its path.",
  );
}
