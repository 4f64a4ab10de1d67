/** An agent's identity and private prekeys as records of a vault, in the form the peer layer asks for. SPEC §keys. */
import * as v from "valibot";
import { bytesToHex } from "#base/bytes.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok } from "#base/result.ts";
import { Secret } from "#base/secret.ts";
import { BytesText, encodeRecord, parseRecord } from "#peer/json-record.ts";
import type { KeyVault, VaultPrekey } from "#peer/key-vault.ts";
import type { RawKeys } from "../options.ts";
import type { VaultFolder } from "./vault-folder.ts";

const IdentityRecord = v.object({ privateKey: BytesText, signingPrivateKey: BytesText });
const PrekeyRecord = v.object({
  kid: BytesText,
  certificate: BytesText,
  privateKey: BytesText,
  publishedAt: v.nullable(v.number()),
  supersededAt: v.nullable(v.number()),
});

const IDENTITY = "identity";
const PREKEY = "prekey-";

/** The long-lived keys, or null before the first run. */
export async function loadIdentity(folder: VaultFolder): Promise<RawKeys | null> {
  const record = parseRecord(IdentityRecord, await folder.read(IDENTITY));
  if (record?.privateKey.length !== 32 || record.signingPrivateKey.length !== 32) return null;
  return {
    privateKey: new Secret(record.privateKey),
    signingPrivateKey: new Secret(record.signingPrivateKey),
  };
}

export const saveIdentity = (folder: VaultFolder, keys: RawKeys): Promise<void> =>
  folder.write(
    IDENTITY,
    encodeRecord({
      privateKey: keys.privateKey.reveal(),
      signingPrivateKey: keys.signingPrivateKey.reveal(),
    }),
  );

/** The prekeys of a vault; every process of the agent that opens the same folder holds the same ones. */
export function createFolderKeyVault(folder: VaultFolder): KeyVault {
  // Within a process tasks wait for each other; against other processes they give way.
  const queue = createKeyedQueue();
  let lastRead: readonly VaultPrekey[] = [];
  return {
    async list() {
      try {
        lastRead = await readPrekeys(folder);
      } catch {
        // A disk that does not answer now: what was read before still opens what came before.
      }
      return lastRead;
    },
    async change({ put = [], remove = [] }) {
      try {
        // A crash in between leaves one prekey too many, never one too few.
        for (const prekey of put)
          await folder.write(
            PREKEY + bytesToHex(prekey.kid),
            encodeRecord({ ...prekey, privateKey: prekey.privateKey.reveal() }),
          );
        for (const kid of remove) await folder.remove(PREKEY + bytesToHex(kid));
        return ok(null);
      } catch {
        return err({ kind: "peer/store-failed" });
      }
    },
    exclusively: (task) => queue.run("", () => folder.exclusivelyNow(task)),
  };
}

async function readPrekeys(folder: VaultFolder): Promise<readonly VaultPrekey[]> {
  const names = await folder.list(PREKEY);
  const records = await Promise.all(names.map((name) => folder.read(name)));
  return records.flatMap((bytes) => {
    const record = parseRecord(PrekeyRecord, bytes);
    return record === null ? [] : [{ ...record, privateKey: new Secret(record.privateKey) }];
  });
}
