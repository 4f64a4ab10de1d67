/** What the bridge program is told: by its command line first, then by its environment. Keys by environment alone. */
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { checkAddress } from "#channels/address.ts";

export type Protocol = "myagent" | "tpclaw-socket" | "tpclaw-chat" | "chat";

export type Settings = {
  readonly protocol: Protocol;
  readonly url: string;
  /** The model, or the agent's id where the server has several. */
  readonly model: string;
  readonly apiKey: Secret<string> | null;
};

export type SettingsFault = "usage" | "protocol" | "address" | "model";

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings, or which of them is at fault. */
export function readSettings(
  args: readonly string[],
  env: Environment,
): Result<Settings, SettingsFault> {
  const given = readFlags(args);
  if (given === null) return err("usage");
  const to = given["to"] ?? env["PARLEY_BRIDGE_TO"] ?? "";
  const protocol = protocolOf(given["protocol"] ?? env["PARLEY_BRIDGE_PROTOCOL"] ?? "", to);
  if (protocol === null) return err("protocol");
  const isSocket = protocol === "myagent" || protocol === "tpclaw-socket";
  const checked = checkAddress(to, isSocket ? "socket" : "http", null);
  if (!checked.ok) return err("address");
  const model = given["model"] ?? env["PARLEY_BRIDGE_MODEL"] ?? DEFAULT_MODEL[protocol];
  if (protocol === "chat" && model === "") return err("model");
  const key = env["PARLEY_BRIDGE_KEY"] ?? "";
  return ok({
    protocol,
    model,
    url: checked.value.url,
    apiKey: key === "" ? null : new Secret(key),
  });
}

const DEFAULT_MODEL: Readonly<Record<Protocol, string>> = {
  myagent: "",
  "tpclaw-socket": "main",
  "tpclaw-chat": "main",
  chat: "",
};

const FLAGS: readonly string[] = ["to", "protocol", "model"];

function readFlags(args: readonly string[]): Readonly<Record<string, string>> | null {
  const flags: Record<string, string> = {};
  for (let at = 0; at < args.length; at += 2) {
    const name = args[at]?.replace(/^--/, "") ?? "";
    const value = args[at + 1];
    if (!FLAGS.includes(name) || value === undefined) return null;
    flags[name] = value;
  }
  return flags;
}

/** One word for TPCLAW's two ways: the address says which. */
function protocolOf(word: string, to: string): Protocol | null {
  switch (word) {
    case "myagent":
    case "chat":
      return word;
    case "tpclaw":
      return /^wss?:/i.test(to.trim()) ? "tpclaw-socket" : "tpclaw-chat";
    default:
      return null;
  }
}
