// Writes golden/*.json once, for a new version of a format. Existing files are frozen: delete one first.
import { writeFileSync } from "node:fs";

import { makeGoldenDevice } from "./golden-device.ts";

for (const [name, golden] of Object.entries(await makeGoldenDevice())) {
  const path = new URL(`./golden/${name}.json`, import.meta.url);
  writeFileSync(path, `${JSON.stringify(golden, null, 2)}\n`, { flag: "wx" });
}
