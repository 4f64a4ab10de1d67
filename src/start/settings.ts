import { resolve } from "node:path";
import { err, ok, type Result } from "#base/result.ts";

export type Settings = { readonly port: number; readonly folder: string };

/** Reads PARLEY_PORT (page's port, default 5173) and PARLEY_DATA (folder, default ./data); a bad value is named. */
export function readSettings(
  env: Readonly<Record<string, string | undefined>>,
): Result<Settings, string> {
  const portText = env["PARLEY_PORT"] ?? "5173";
  const port = Number(portText);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return err(`PARLEY_PORT is "${portText}", not a port from 1 to 65535.`);
  return ok({ port, folder: resolve(env["PARLEY_DATA"] ?? "data") });
}
