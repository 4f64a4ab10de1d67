/** The relay's settings out of the environment, checked before anything starts. */
import { err, ok, type Result } from "#base/result.ts";
import type { RelayOptions } from "./relay-server.ts";

export type ConfigFault = { readonly name: string; readonly rule: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** Fails with every variable at fault, and what it should have been. */
export function readConfig(env: Environment): Result<RelayOptions, readonly ConfigFault[]> {
  const faults: ConfigFault[] = [];
  const check = (isValid: boolean, name: string, rule: string): void => {
    if (!isValid) faults.push({ name, rule });
  };

  const port = Number(env.PARLEY_PORT ?? "8787");
  check(
    Number.isInteger(port) && port >= 0 && port <= 65_535,
    "PARLEY_PORT",
    "a number from 0 to 65535",
  );
  const origins = list(env.PARLEY_ORIGIN);
  check(
    origins.every(isOrigin),
    "PARLEY_ORIGIN",
    "origins such as https://chat.example, parted by commas",
  );
  const connectSources = list(env.PARLEY_CONNECT);
  check(
    connectSources.every(isOrigin),
    "PARLEY_CONNECT",
    "origins such as https://agent.example, parted by commas",
  );
  const artifactOrigin = env.PARLEY_ARTIFACT_ORIGIN ?? null;
  check(
    artifactOrigin === null || isOrigin(artifactOrigin),
    "PARLEY_ARTIFACT_ORIGIN",
    "one https origin",
  );
  const policy = env.PARLEY_REGISTRATION ?? "open";
  const code = env.PARLEY_REGISTRATION_CODE ?? null;
  check(isPolicy(policy), "PARLEY_REGISTRATION", "open, invite or closed");
  check(
    policy !== "invite" || code !== null,
    "PARLEY_REGISTRATION_CODE",
    "set when registration is by invite",
  );
  const trust = env.PARLEY_TRUST_PROXY ?? "0";
  check(trust === "0" || trust === "1", "PARLEY_TRUST_PROXY", "0 or 1");

  if (faults.length > 0 || !isPolicy(policy)) return err(faults);
  return ok({
    port,
    host: env.PARLEY_HOST ?? "127.0.0.1",
    dataFolder: env.PARLEY_DATA ?? "./data",
    staticRoot: env.PARLEY_DIST ?? "./dist",
    origins,
    connectSources,
    artifactOrigin,
    registration: { policy, code },
    trustsProxy: trust === "1",
  });
}

const list = (text: string | undefined): readonly string[] =>
  (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

const isPolicy = (text: string): text is "open" | "invite" | "closed" =>
  text === "open" || text === "invite" || text === "closed";

function isOrigin(text: string): boolean {
  try {
    const url = new URL(text);
    return url.origin === text && /^(https?|wss?):$/.test(url.protocol);
  } catch {
    return false;
  }
}
