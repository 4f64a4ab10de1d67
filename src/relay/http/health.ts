/** Whether the relay can do its work: 200 while it can append, else 503. */
import type { Health } from "#protocol/rest.ts";
import { RELAY_VERSION } from "../relay-version.ts";
import type { Api, RelayApp } from "./api.ts";

export function serveHealth(app: RelayApp, api: Api): void {
  app.get("/health", async (http) => {
    // An empty group still begins, commits and reaches the disk.
    const probe = await api.writer.run("advanceCursors", []);
    const storage = probe.ok ? "ok" : probe.failure.code === "STORAGE_FULL" ? "full" : "read_only";
    const health: Health = {
      status: probe.ok ? "ok" : "degraded",
      version: RELAY_VERSION,
      storage,
    };
    return http.json({ data: health }, probe.ok ? 200 : 503);
  });
}
