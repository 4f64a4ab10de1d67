/**
 * A server that all processes of an agent can reach, on whatever host: one sealed shelf of records, one list of claims,
 * one lock. Redis and PostgreSQL are two of these; what they hold is sealed before it gets there.
 */
import type { Bytes } from "#base/bytes.ts";
import { HasheeError } from "../agent-error.ts";

/** One claim as the server keeps it. */
export type SharedClaim = {
  readonly conversationId: string;
  readonly key: string;
  readonly work: Bytes | null;
};

export interface SharedPlace {
  /** One atomic step; true for the first who comes. With work it stays the caller's until it is finished. */
  claim(claim: SharedClaim): Promise<boolean>;
  finish(claim: SharedClaim): Promise<void>;
  /** Says that this process lives, and takes what dead ones had begun, oldest first; each goes to one taker. */
  takeOver(): Promise<readonly SharedClaim[]>;

  read(name: string): Promise<Bytes | null>;
  write(name: string, value: Bytes): Promise<void>;
  remove(name: string): Promise<void>;
  list(prefix: string): Promise<readonly string[]>;
  /** The lock's release, or null while another process holds it. It ends with its holder. */
  tryLock(): Promise<(() => Promise<void>) | null>;
  close(): Promise<void>;
}

export type SharedSettings = {
  readonly agentId: string;
  /** Names this process. */
  readonly owner: string;
  /** A process that has not been heard of for so long is dead. */
  readonly leaseMs: number;
};

export const LEASE_MS = 30_000;
/** Rows outlive every key that could open their message. */
export const CLAIM_TTL_MS = 30 * 86_400_000;

export const isSharedAddress = (address: string): boolean =>
  /^(redis|rediss|postgres|postgresql):/.test(address);

/**
 * Opens the server of an address.
 *
 * @throws {@link HasheeError} `NOT_ENABLED` without its package, `UNAVAILABLE` where it does not answer or lets nobody in
 */
export async function openSharedPlace(
  address: string,
  settings: SharedSettings,
): Promise<SharedPlace> {
  try {
    return address.startsWith("redis")
      ? await (await import("./redis-place.ts")).openRedisPlace(address, settings)
      : await (await import("./postgres-place.ts")).openPostgresPlace(address, settings);
  } catch (cause) {
    if (cause instanceof HasheeError) throw cause;
    // Not the cause itself: what a driver throws may hold the address, and a password with it.
    throw new HasheeError("UNAVAILABLE", {
      message: "The server for keys or claims does not answer, or does not let this agent in.",
      params: { because: codeOf(cause) },
      fatal: true,
    });
  }
}

const codeOf = (cause: unknown): string => {
  const code = (cause as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "unknown";
};

/** The package a program must bring itself. @throws {@link HasheeError} `NOT_ENABLED` */
export async function bring<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new HasheeError("NOT_ENABLED", {
      message: `This address needs the package ${name}: npm install ${name}.`,
      params: { package: name },
      fatal: true,
      cause,
    });
  }
}
