/** Redis as the shared place of an agent's processes. For claims that survive its crash it must append to disk. */
import { doubledDelayMs } from "#base/backoff.ts";
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import {
  bring,
  CLAIM_TTL_MS,
  type SharedClaim,
  type SharedPlace,
  type SharedSettings,
} from "./shared-place.ts";

/** Between tries to reach a server that is away. */
const PAUSE_MS = { first: 50, longest: 2_000 };

/** What of a client is used. */
type Redis = {
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(words: readonly string[]): Promise<unknown>;
  on(event: "error", listener: () => void): unknown;
};

/** Connects. Rejects when the server cannot be reached. */
export async function openRedisPlace(
  address: string,
  settings: SharedSettings,
): Promise<SharedPlace> {
  const { createClient } = await bring("redis", () => import("redis"));
  let isOpen = false;
  // Once it was there it is waited for, and calls with it; a server that never answers is told at once.
  const reconnectStrategy = (retries: number): number | false =>
    isOpen && doubledDelayMs(retries, PAUSE_MS.first, PAUSE_MS.longest);
  const client = createClient({
    url: address,
    socket: { reconnectStrategy },
  }) as unknown as Redis;
  client.on("error", () => undefined);
  await client.connect();
  isOpen = true;
  return new RedisPlace(client, settings);
}

/** A claim and what keeps its work, in one step. */
const CLAIM = `
  if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return 0 end
  if ARGV[3] ~= '' then
    local now = redis.call('TIME')
    redis.call('HSET', KEYS[2], ARGV[2], now[1] .. string.format('%06d', now[2]) .. ':' .. ARGV[3])
  end
  return 1`;

/** Everything that dead processes had open moves to the caller. */
const TAKE_OVER = `
  local taken = {}
  for _, owner in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    if owner ~= ARGV[1] and redis.call('EXISTS', ARGV[2] .. 'alive:' .. owner) == 0 then
      local open = ARGV[2] .. 'open:' .. owner
      local fields = redis.call('HGETALL', open)
      for i = 1, #fields, 2 do
        redis.call('HSET', KEYS[2], fields[i], fields[i + 1])
        table.insert(taken, fields[i])
        table.insert(taken, fields[i + 1])
      end
      redis.call('DEL', open)
      redis.call('SREM', KEYS[1], owner)
    end
  end
  return taken`;

const UNLOCK = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
  return 0`;

/** Longer than any task under the lock takes. */
const LOCK_MS = 60_000;

class RedisPlace implements SharedPlace {
  readonly #client: Redis;
  readonly #settings: SharedSettings;
  /** One slot of a cluster holds all of an agent. */
  readonly #prefix: string;

  constructor(client: Redis, settings: SharedSettings) {
    this.#client = client;
    this.#settings = settings;
    this.#prefix = `parley:{${settings.agentId}}:`;
  }

  async claim({ conversationId, key, work }: SharedClaim): Promise<boolean> {
    await this.#live();
    const name = JSON.stringify([conversationId, key]);
    const made = await this.#run(
      CLAIM,
      [`${this.#prefix}claim:${name}`, this.#openKey],
      [String(CLAIM_TTL_MS), name, work === null ? "" : bytesToBase64(work)],
    );
    return made === 1;
  }

  async finish({ conversationId, key }: SharedClaim): Promise<void> {
    await this.#say("HDEL", this.#openKey, JSON.stringify([conversationId, key]));
  }

  async takeOver(): Promise<readonly SharedClaim[]> {
    await this.#live();
    const taken = (await this.#run(
      TAKE_OVER,
      [`${this.#prefix}processes`, this.#openKey],
      [this.#settings.owner, this.#prefix],
    )) as string[];
    const claims: { readonly at: number; readonly claim: SharedClaim }[] = [];
    for (let i = 0; i + 1 < taken.length; i += 2) {
      const [conversationId = "", key = ""] = JSON.parse(taken[i] ?? "[]") as string[];
      const [at = "", work = ""] = (taken[i + 1] ?? "").split(":");
      claims.push({ at: Number(at), claim: { conversationId, key, work: base64ToBytes(work) } });
    }
    return claims.sort((a, b) => a.at - b.at).map(({ claim }) => claim);
  }

  async read(name: string): Promise<Bytes | null> {
    const value = await this.#say("HGET", this.#recordsKey, name);
    return typeof value === "string" ? base64ToBytes(value) : null;
  }

  async write(name: string, value: Bytes): Promise<void> {
    await this.#say("HSET", this.#recordsKey, name, bytesToBase64(value));
  }

  async remove(name: string): Promise<void> {
    await this.#say("HDEL", this.#recordsKey, name);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names = (await this.#say("HKEYS", this.#recordsKey)) as string[];
    return names.filter((name) => name.startsWith(prefix)).sort();
  }

  async tryLock(): Promise<(() => Promise<void>) | null> {
    const key = `${this.#prefix}lock`;
    const { owner } = this.#settings;
    const got = await this.#say("SET", key, owner, "NX", "PX", String(LOCK_MS));
    return got === "OK" ? async () => void (await this.#run(UNLOCK, [key], [owner])) : null;
  }

  async close(): Promise<void> {
    // What it leaves unfinished is free at once.
    await this.#say("DEL", `${this.#prefix}alive:${this.#settings.owner}`).catch(() => undefined);
    this.#client.destroy();
  }

  get #openKey(): string {
    return `${this.#prefix}open:${this.#settings.owner}`;
  }

  get #recordsKey(): string {
    return `${this.#prefix}records`;
  }

  async #live(): Promise<void> {
    const { owner, leaseMs } = this.#settings;
    await this.#say("SADD", `${this.#prefix}processes`, owner);
    await this.#say("SET", `${this.#prefix}alive:${owner}`, "1", "PX", String(leaseMs));
  }

  #say(...words: readonly string[]): Promise<unknown> {
    return this.#client.sendCommand(words);
  }

  #run(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    return this.#say("EVAL", script, String(keys.length), ...keys, ...values);
  }
}
