/** What `HasheeAgent.init` takes: option first, then environment, then default. Nothing here touches disk or network. */
import { homedir } from "node:os";
import { join } from "node:path";
import { base64ToBytes } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import { parseId, type AgentId } from "#protocol/ids.ts";
import { HasheeError } from "./agent-error.ts";
import type { DedupeStore } from "./local/dedupe-store.ts";

export type ConnectionMode = "websocket" | "webhook" | "polling";

/** Which primitives compute: native ones where the platform passes the known answers, or noble's alone. */
export type CryptoChoice = "auto" | "noble";

/** Keys as text, the way `onKeyGenerated` gives them and options and environment take them: base64 of 32 raw bytes. */
export type GeneratedKeys = {
  /** X25519 scalar. */
  readonly privateKey: string;
  /** Ed25519 seed. */
  readonly signingPrivateKey: string;
  readonly publicKey: string;
  readonly signingPublicKey: string;
};

/** A message that could not be opened: which one and why, never what was in it. */
export type DecryptFailure = {
  readonly conversation_id: string;
  /** Empty for a file. */
  readonly message_id: string;
  /** Files only. */
  readonly attachment_id?: string;
  readonly reason: string;
};

export type AgentOptions = {
  readonly agentId?: string | undefined;
  readonly token?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly connectionMode?: ConnectionMode | undefined;
  readonly privateKey?: string | undefined;
  readonly signingPrivateKey?: string | undefined;
  /** Called once, before the keys are registered, when the agent made its own; awaited. */
  readonly onKeyGenerated?: ((keys: GeneratedKeys) => unknown) | undefined;
  readonly decryptFailureHandler?: ((failure: DecryptFailure) => unknown) | undefined;
  /** Folder of keys and state; `null` keeps everything in memory. */
  readonly keyVault?: string | null | undefined;
  /** Folder of the local dedupe file, or a store of your own; `null` keeps it in memory. */
  readonly dedupe?: string | DedupeStore | null | undefined;
  /** `noble` leaves the platform's own primitives out; bytes and verdicts are the same, slower. */
  readonly crypto?: CryptoChoice | undefined;
  /** How many conversations stay in memory; beyond it the ones at rest are put away until somebody writes. Default 1,000. */
  readonly conversationsInMemory?: number | undefined;
};

export type RawKeys = {
  readonly privateKey: Secret<Bytes>;
  readonly signingPrivateKey: Secret<Bytes>;
};

export type SettledOptions = {
  readonly agentId: AgentId;
  readonly token: Secret<string>;
  /** Origin without a trailing slash. */
  readonly baseUrl: string;
  readonly connectionMode: ConnectionMode;
  readonly keys: RawKeys | null;
  readonly onKeyGenerated: ((keys: GeneratedKeys) => unknown) | null;
  readonly decryptFailureHandler: ((failure: DecryptFailure) => unknown) | null;
  readonly vaultFolder: string | null;
  readonly dedupe: DedupeStore | string | null;
  readonly crypto: CryptoChoice;
  readonly conversationsInMemory: number;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** About 30 MB of memory. */
const DEFAULT_CONVERSATIONS_IN_MEMORY = 1_000;

/** Where an agent that names no relay looks for one. */
export const DEFAULT_BASE_URL = "http://127.0.0.1:8787";

/**
 * The settings an agent runs with.
 *
 * @throws {@link HasheeError} `BAD_REQUEST`, `params.path` naming the option at fault.
 */
export function settleOptions(options: AgentOptions, environment: Environment): SettledOptions {
  const given = (value: string | undefined, variable: string): string | undefined =>
    value ?? (environment[variable] === "" ? undefined : environment[variable]);
  const agentId = parseId<AgentId>(given(options.agentId, "HASHEE_AGENT_ID")?.toLowerCase());
  if (agentId === null)
    throw badOption(
      "agentId",
      "The agent's id is needed, a UUID: the option agentId, or HASHEE_AGENT_ID.",
    );
  const token = given(options.token, "HASHEE_AGENT_TOKEN");
  if (token === undefined || !/^hsk_[A-Za-z0-9]{1,200}$/.test(token))
    throw badOption(
      "token",
      "The agent's token is needed, it begins with hsk_: the option token, or HASHEE_AGENT_TOKEN.",
    );
  return {
    agentId,
    token: new Secret(token),
    baseUrl: checkBaseUrl(given(options.baseUrl, "HASHEE_BASE_URL") ?? DEFAULT_BASE_URL),
    connectionMode: checkMode(
      given(options.connectionMode, "HASHEE_CONNECTION_MODE") ?? "websocket",
    ),
    keys: checkKeys(
      given(options.privateKey, "HASHEE_X25519_PRIVATE_BASE64"),
      given(options.signingPrivateKey, "HASHEE_ED25519_PRIVATE_BASE64"),
    ),
    onKeyGenerated: options.onKeyGenerated ?? null,
    decryptFailureHandler: options.decryptFailureHandler ?? null,
    vaultFolder:
      options.keyVault === null
        ? null
        : (given(options.keyVault, "HASHEE_KEY_VAULT") ??
          join(homedir(), ".hashee", agentId, "vault")),
    dedupe: settleDedupe(options, environment, agentId),
    crypto: checkCrypto(given(options.crypto, "HASHEE_CRYPTO") ?? "auto"),
    conversationsInMemory: checkNumber(
      given(options.conversationsInMemory?.toString(), "HASHEE_CONVERSATIONS_IN_MEMORY"),
    ),
  };
}

function settleDedupe(
  options: AgentOptions,
  environment: Environment,
  agentId: AgentId,
): DedupeStore | string | null {
  if (options.dedupe !== undefined) return options.dedupe;
  const address = environment["HASHEE_DEDUPE"];
  if (address !== undefined && address !== "") return address;
  // Without a vault the agent leaves nothing on disk, and that includes what it has seen.
  return options.keyVault === null ? null : join(homedir(), ".hashee", agentId);
}

function checkBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw badOption(
      "baseUrl",
      "The relay's address begins with https:// or http://: the option baseUrl, or HASHEE_BASE_URL.",
    );
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

function checkMode(text: string): ConnectionMode {
  if (text === "websocket" || text === "webhook" || text === "polling") return text;
  throw badOption(
    "connectionMode",
    "The option connectionMode, or HASHEE_CONNECTION_MODE, is websocket, webhook or polling.",
  );
}

function checkCrypto(text: string): CryptoChoice {
  if (text === "auto" || text === "noble") return text;
  throw badOption("crypto", "The option crypto, or HASHEE_CRYPTO, is auto or noble.");
}

function checkNumber(text: string | undefined): number {
  if (text === undefined) return DEFAULT_CONVERSATIONS_IN_MEMORY;
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw badOption(
    "conversationsInMemory",
    "The option conversationsInMemory, or HASHEE_CONVERSATIONS_IN_MEMORY, is a whole number from 1 on.",
  );
}

function checkKeys(
  privateKey: string | undefined,
  signingPrivateKey: string | undefined,
): RawKeys | null {
  if (privateKey === undefined && signingPrivateKey === undefined) return null;
  const agreement = privateKey === undefined ? null : base64ToBytes(privateKey);
  if (agreement?.length !== 32)
    throw badOption(
      "privateKey",
      "The option privateKey, or HASHEE_X25519_PRIVATE_BASE64, is base64 of 32 bytes; both keys are set or none.",
    );
  const signing = signingPrivateKey === undefined ? null : base64ToBytes(signingPrivateKey);
  if (signing?.length !== 32)
    throw badOption(
      "signingPrivateKey",
      "The option signingPrivateKey, or HASHEE_ED25519_PRIVATE_BASE64, is base64 of 32 bytes; both keys are set or none.",
    );
  return { privateKey: new Secret(agreement), signingPrivateKey: new Secret(signing) };
}

const badOption = (path: string, message: string): HasheeError =>
  new HasheeError("BAD_REQUEST", { message, params: { path }, fatal: true });
