/**
 * The vault's door: where the vault key lies and under what. A key that script can use but nobody can copy always
 * wraps it; while the lock is on, the password wraps it as well and nothing else opens it. SPEC §door.
 */
import { utf8, utf8ToText, type Bytes } from "#base/bytes.ts";
import type { RandomBytes } from "#base/random.ts";
import { err, ok, type Result } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import type { EngineFailure } from "../failure.ts";
import type { Database } from "./migrations.ts";
import type { Sealed, StoredDoor } from "./schema.ts";

/** What the lock screen shows, and what deriving the password's key needs. */
export type Greeting = {
  readonly accountId: string;
  readonly deviceId: string;
  readonly handle: string;
  readonly displayName: string;
  /** Base64; null until there is a password. */
  readonly salt: string | null;
  readonly params: {
    readonly memoryKiB: number;
    readonly passes: number;
    readonly lanes: number;
  } | null;
  readonly passkeys?: readonly LocalPasskey[];
};

/** A passkey that opens the lock too. All base64; `wrap`: the vault key under it. */
export type LocalPasskey = {
  readonly methodId: string;
  readonly credentialId: string;
  readonly wrap: string;
};

export type DoorView =
  | { readonly status: "none" }
  | {
      readonly status: "open";
      readonly vaultKey: Secret<Bytes>;
      readonly greeting: Greeting | null;
    }
  | { readonly status: "locked"; readonly greeting: Greeting };

/** Wraps and unwraps a vault key under a password's key; made of crypto's vault functions. */
export type VaultLock = {
  wrap(vaultKey: Secret<Bytes>): Promise<Bytes>;
  unwrap(wrapped: Bytes): Promise<Secret<Bytes> | null>;
};

/** What lies there now. A door whose keys do not open is no door: what it led to is lost. */
export async function viewDoor(database: Database): Promise<DoorView> {
  const door = await database.get("door", "door");
  if (door === undefined) return { status: "none" };
  const greeting = await openGreeting(door);
  if (door.open !== null) {
    const vaultKey = await unseal(door.deviceKey, door.open);
    return vaultKey === null
      ? { status: "none" }
      : { status: "open", vaultKey: new Secret(vaultKey), greeting };
  }
  return greeting === null || door.locked === null
    ? { status: "none" }
    : { status: "locked", greeting };
}

/** Makes a fresh vault key and its door; an older door and what it led to are lost. */
export async function makeDoor(database: Database, random: RandomBytes): Promise<Secret<Bytes>> {
  const deviceKey = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
  const vaultKey = new Secret(random(32));
  const open = await seal(deviceKey, random, vaultKey.reveal());
  await save(database, { deviceKey, open, locked: null, greeting: null });
  return vaultKey;
}

/** Says what the lock screen is to show. */
export async function greetFromDoor(
  database: Database,
  random: RandomBytes,
  greeting: Greeting,
): Promise<void> {
  const door = await database.get("door", "door");
  if (door === undefined) return;
  const sealed = await seal(door.deviceKey, random, utf8(JSON.stringify(greeting)));
  await save(database, { ...door, greeting: sealed });
}

/** Makes the lock ready for this password; the door stays open. */
export async function fitLock(
  database: Database,
  random: RandomBytes,
  vaultKey: Secret<Bytes>,
  lock: VaultLock,
): Promise<void> {
  const door = await database.get("door", "door");
  if (door === undefined) return;
  const locked = await seal(door.deviceKey, random, await lock.wrap(vaultKey));
  await save(database, { ...door, locked });
}

/**
 * Turns the key: from now on only the password opens, and passkeys that were added beside it.
 *
 * Fails with `engine/no-password`; then the door stays open.
 */
export async function lockDoor(database: Database): Promise<Result<null, EngineFailure>> {
  const door = await database.get("door", "door");
  if (door?.locked == null || door.greeting === null) return err({ kind: "engine/no-password" });
  await save(database, { ...door, open: null });
  return ok(null);
}

/**
 * The vault key, and the door stays open from now on.
 *
 * Fails with `engine/wrong-password`; then the door stays locked.
 */
export async function unlockDoor(
  database: Database,
  random: RandomBytes,
  lock: VaultLock,
): Promise<Result<Secret<Bytes>, EngineFailure>> {
  const door = await database.get("door", "door");
  if (door?.locked == null) return err({ kind: "engine/not-open" });
  const wrapped = await unseal(door.deviceKey, door.locked);
  const vaultKey = wrapped === null ? null : await lock.unwrap(wrapped);
  if (vaultKey === null) return err({ kind: "engine/wrong-password" });
  await openDoor(database, random, vaultKey);
  return ok(vaultKey);
}

/** The door stays open from now on; whoever calls has the vault key already. */
export async function openDoor(
  database: Database,
  random: RandomBytes,
  vaultKey: Secret<Bytes>,
): Promise<void> {
  const door = await database.get("door", "door");
  if (door === undefined) return;
  const open = await seal(door.deviceKey, random, vaultKey.reveal());
  await save(database, { ...door, open });
}

/** Removes the wraps first: what the vault sealed is unreadable from this moment, whatever is left of it. */
export async function removeDoor(database: Database): Promise<void> {
  const transaction = database.transaction("door", "readwrite", { durability: "strict" });
  await transaction.store.delete("door");
  await transaction.done;
}

async function save(database: Database, door: StoredDoor): Promise<void> {
  const transaction = database.transaction("door", "readwrite", { durability: "strict" });
  await transaction.store.put(door, "door");
  await transaction.done;
}

async function openGreeting(door: StoredDoor): Promise<Greeting | null> {
  const plain = door.greeting === null ? null : await unseal(door.deviceKey, door.greeting);
  const text = plain === null ? null : utf8ToText(plain);
  return text === null ? null : (JSON.parse(text) as Greeting);
}

async function seal(key: CryptoKey, random: RandomBytes, plain: Bytes): Promise<Sealed> {
  const nonce = random(12);
  const ciphertext = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, key, plain);
  return { nonce, ciphertext: new Uint8Array(ciphertext) };
}

async function unseal(key: CryptoKey, { nonce, ciphertext }: Sealed): Promise<Bytes | null> {
  try {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, key, ciphertext);
    return new Uint8Array(plain);
  } catch {
    return null;
  }
}
