/** Whom a person trusts, as a backup and a further device hold it. */
import type { BackupContent } from "#crypto/backup-content.ts";
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import type { People } from "./people.ts";

/** Whom this person trusts today. */
export async function trustContent({
  people,
  endpoint,
}: {
  readonly people: People;
  readonly endpoint: PeerEndpoint;
}): Promise<Omit<BackupContent, "identitySeed">> {
  const pins = await Promise.all(
    people.all().map(async ({ id, isVerified }) => {
      const known = await endpoint.account(id);
      if (!known.ok) return [];
      const { identityKey, mode, suiteFloor } = known.value;
      return [{ accountId: id, identityKey, isVerified, mode, suiteFloor }];
    }),
  );
  return { pins: pins.flat(), ledgerHeads: [] };
}
