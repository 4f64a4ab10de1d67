/** The account's own ledger as the relay keeps it: read and verified, and written to. SPEC §account. */
import { bytesToBase64 } from "#base/base64.ts";
import { equalBytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { appendAccount, type NewAccountOp } from "#crypto/ledger/account.ts";
import { replayAccount } from "#crypto/ledger/account-replay.ts";
import type { AccountState } from "#crypto/ledger/account-state.ts";
import { Empty } from "#protocol/rest.ts";
import type { UserId } from "#protocol/ids.ts";
import { fetchLedger } from "#peer/ledger-rows.ts";
import type { Rest } from "#peer/rest.ts";
import { keysOf, type AccountRecord } from "./account-keys.ts";
import type { EngineDeps } from "./deps.ts";
import { translated, type EngineFailure } from "./failure.ts";

/** Races with other devices' entries that are worth another try. */
const MAX_TRIES = 4;

/** Every entry, replayed. Fails with `engine/bad-backup` when they do not verify, and the line's kinds. */
export async function fetchAccount(
  deps: EngineDeps,
  rest: Rest,
  userId: UserId,
): Promise<Result<AccountState, EngineFailure>> {
  const entries = await fetchLedger(rest, `/keys/ledger/${userId}`, -1);
  if (!entries.ok) return err(translated(entries.failure));
  const state = await replayAccount(deps.primitives, userId, entries.value);
  return state.ok ? state : err({ kind: "engine/bad-backup" });
}

/**
 * Appends what `opFor` makes of the ledger as it stands, signed by this device; null writes nothing.
 *
 * Fails with `engine/bad-backup` when the relay shows another identity's ledger, and the line's kinds.
 */
export async function appendOwn(
  deps: EngineDeps,
  rest: Rest,
  record: AccountRecord,
  opFor: (ledger: AccountState) => NewAccountOp | null,
): Promise<Result<null, EngineFailure>> {
  const keys = keysOf(deps.primitives, record);
  for (let tries = 1; ; tries++) {
    const ledger = await fetchAccount(deps, rest, record.userId);
    if (!ledger.ok) return ledger;
    if (!equalBytes(ledger.value.identityKey, keys.identity.publicKey))
      return err({ kind: "engine/bad-backup" });
    const op = opFor(ledger.value);
    if (op === null) return ok(null);
    const written = await appendAccount(deps.primitives, ledger.value, {
      actorDeviceId: record.deviceId,
      signer: keys.device,
      op,
      createdAt: deps.clock.now(),
    });
    if (!written.ok) return written;
    const posted = await rest.call("POST", `/keys/ledger/${record.userId}`, Empty, {
      ledger_seq: ledger.value.seq + 1,
      prev_hash: bytesToBase64(ledger.value.head),
      entry: bytesToBase64(written.value.entry),
    });
    if (posted.ok) return ok(null);
    const isRace =
      posted.failure.kind === "peer/refused" && posted.failure.code === "LEDGER_CONFLICT";
    if (!isRace || tries >= MAX_TRIES) return posted;
  }
}
