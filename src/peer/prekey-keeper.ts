/**
 * Own prekeys: made, published, renewed in time, erased in time. One of each suite is current, so that every session
 * finds one suite that all its recipients have. SPEC E28–E29.
 */
import { bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import { ok, type Result } from "#base/result.ts";
import type { Secret } from "#base/secret.ts";
import type { Signer } from "#crypto/identity.ts";
import {
  erasableKids,
  makePrekey,
  parsePrekey,
  PREKEY_LIFETIME_MS,
  shouldRotate,
  type OurPrekey,
} from "#crypto/prekeys.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { SuiteId } from "#protocol/envelope.ts";
import type { AccountId, DeviceId } from "#protocol/ids.ts";
import type { DeliveryMode } from "#protocol/recipients.ts";
import type { Prekey as WirePrekey } from "#protocol/rest.ts";
import type { PeerFailure } from "./failure.ts";
import type { KeyVault, VaultPrekey } from "./key-vault.ts";

/** Strongest first. */
const SUITES: readonly SuiteId[] = [2, 1];

export type PrekeyOwner = {
  readonly accountId: AccountId;
  readonly deviceId: DeviceId;
  readonly kind: "human" | "agent";
  readonly signer: Signer;
  readonly fingerprint: Bytes;
  readonly mode: DeliveryMode;
  readonly suiteFloor: SuiteId;
};

/** Makes what is missing or due, publishes it, erases what is over. Nothing to do: nothing is sent. */
export async function tendPrekeys(options: {
  readonly primitives: Primitives;
  readonly vault: KeyVault;
  readonly owner: PrekeyOwner;
  readonly now: number;
  readonly publish: (prekeys: readonly WirePrekey[]) => Promise<Result<null, PeerFailure>>;
}): Promise<Result<null, PeerFailure>> {
  const { vault, owner, now } = options;
  const done = await vault.exclusively(async (): Promise<Result<null, PeerFailure>> => {
    const held = await vault.list();
    const current = held.filter(({ supersededAt }) => supersededAt === null);
    const due = SUITES.filter(
      (suite) => suite >= owner.suiteFloor && isDue(current, suite, owner, now),
    );
    const made = await Promise.all(due.map((suite) => make(options, suite)));
    const fresh = [...current.filter((one) => !isReplacedBy(one, due)), ...made];
    if (fresh.some(({ publishedAt }) => publishedAt === null)) {
      // Kept before it is published: a session may be opened to it the moment others can see it.
      const kept = await vault.change({ put: made });
      if (!kept.ok) return kept;
      const published = await options.publish(fresh.map(wirePrekey));
      if (!published.ok) return published;
      const replaced = current.filter((one) => isReplacedBy(one, due));
      const noted = await vault.change({
        put: [
          ...fresh.map((one) => ({ ...one, publishedAt: one.publishedAt ?? now })),
          ...replaced.map((one) => ({ ...one, supersededAt: now })),
        ],
      });
      if (!noted.ok) return noted;
    }
    return vault.change({ remove: erasableKids(held, now) });
  });
  return done ?? ok(null);
}

/** A prekey as the relay stores it. */
export const wirePrekey = ({ kid, certificate }: VaultPrekey): WirePrekey => ({
  kid: bytesToBase64(kid),
  suite: suiteOf(certificate),
  certificate: bytesToBase64(certificate),
});

/** Finds private prekeys by their id, from what was last read of the vault. */
export interface OwnPrekeys {
  of(kid: Bytes): OurPrekey | undefined;
  /** Reads the vault again: another process may have renewed. */
  reload(): Promise<void>;
}

/** Without a vault nothing is ever found. */
export function createOwnPrekeys(vault: KeyVault | null): OwnPrekeys {
  let byKid = new Map<string, OurPrekey>();
  return {
    of: (kid) => byKid.get(bytesToHex(kid)),
    async reload() {
      const held = (await vault?.list()) ?? [];
      byKid = new Map(held.flatMap((one) => entryOf(one.kid, one.certificate, one.privateKey)));
    },
  };
}

function entryOf(kid: Bytes, certificate: Bytes, privateKey: Secret<Bytes>): [string, OurPrekey][] {
  const prekey = parsePrekey(certificate);
  return prekey === null ? [] : [[bytesToHex(kid), { kid, certificate, prekey, privateKey }]];
}

const suiteOf = (certificate: Bytes): number => parsePrekey(certificate)?.suite ?? 0;

const isReplacedBy = ({ certificate }: VaultPrekey, due: readonly SuiteId[]): boolean =>
  due.some((suite) => suite === suiteOf(certificate));

function isDue(
  current: readonly VaultPrekey[],
  suite: SuiteId,
  owner: PrekeyOwner,
  now: number,
): boolean {
  const holder = holderOf(owner);
  return current
    .map(({ certificate }) => parsePrekey(certificate))
    .every((prekey) => prekey?.suite !== suite || shouldRotate(prekey, holder, now));
}

async function make(
  { primitives, owner, now }: { primitives: Primitives; owner: PrekeyOwner; now: number },
  suite: SuiteId,
): Promise<VaultPrekey> {
  const { kid, certificate, privateKey } = await makePrekey(primitives, {
    owner: owner.accountId,
    device: owner.deviceId,
    signer: owner.signer,
    fingerprint: owner.fingerprint,
    mode: owner.mode,
    suiteFloor: owner.suiteFloor,
    suite,
    notBefore: now,
    notAfter: now + PREKEY_LIFETIME_MS[holderOf(owner)].usable,
  });
  return { kid, certificate, privateKey, publishedAt: null, supersededAt: null };
}

const holderOf = ({ kind, mode }: PrekeyOwner) =>
  mode === "envelope" ? "envelope-agent" : kind === "agent" ? "agent" : "browser";
