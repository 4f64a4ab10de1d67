/**
 * Names this person gives contacts: kept here at once, told to the relay sealed when there is a line, and taken from it
 * as the person's other devices leave them. SPEC §conversations.
 */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok, type Result } from "#base/result.ts";
import {
  openContactRemark,
  sealContactRemark,
  type ContactRemark,
} from "#crypto/contact-remark.ts";
import type { Store } from "#peer/store.ts";
import type { Rest } from "#peer/rest.ts";
import { MAX_REMARK_CHARACTERS } from "#protocol/limits.ts";
import { ContactRemark as WireRemark, Empty } from "#protocol/rest.ts";
import type { AccountId } from "#protocol/ids.ts";
import { remarkOwner, type AccountRecord } from "./account-keys.ts";
import type { EngineDeps } from "./deps.ts";
import type { EngineFailure } from "./failure.ts";
import { loadRecords, putRecord, TABLE } from "./records.ts";
import type { Session } from "./session.ts";

export interface Remarks {
  /** Null where the contact goes by its own name. */
  of(accountId: AccountId): string | null;
  /** Empty takes the name back. Holds here from now on, with or without a line. */
  set(accountId: AccountId, name: string): Promise<Result<null, EngineFailure>>;
  /** Takes what other devices said, and says what the relay does not have yet. What fails waits for the next time. */
  level(): Promise<void>;
}

/** Kept by account; an empty name is one that was taken back. */
type Kept = ContactRemark & { readonly id: AccountId };

type Options = {
  readonly deps: Pick<EngineDeps, "primitives" | "clock" | "log">;
  readonly store: Store;
  readonly rest: Rest;
  readonly record: () => AccountRecord;
  /** Whether it is a contact of this device alone, of whom the relay knows nothing. */
  readonly isOnlyHere: (accountId: AccountId) => boolean;
  readonly onChanged: (accountId: AccountId) => void;
};

/** Loads what is kept. */
export async function loadRemarks(options: Options): Promise<Remarks> {
  const { deps, store, rest, record, isOnlyHere, onChanged } = options;
  const known = new Map<AccountId, Kept>();
  for (const one of (await loadRecords<Kept>(store, TABLE.remarks)).values())
    known.set(one.id, one);
  const queue = createKeyedQueue();

  const keep = async (one: Kept): Promise<Result<null, EngineFailure>> => {
    const saved = await store.commit({ puts: [putRecord(TABLE.remarks, one.id, one)] });
    if (!saved.ok) return saved;
    known.set(one.id, one);
    onChanged(one.id);
    return ok(null);
  };
  const tell = (one: Kept) => {
    const sealed = sealContactRemark(deps.primitives, remarkOwner(record(), one.id), one);
    return rest.call("PATCH", `/users/contacts/${one.id}`, Empty, {
      remark_sealed: bytesToBase64(sealed),
    });
  };
  const level = async (): Promise<void> => {
    const page = await rest.page("/users/contacts", WireRemark);
    if (!page.ok) return;
    const toldRevision = new Map<AccountId, number>();
    for (const { contact_id: id, remark_sealed } of page.value.items) {
      const sealed = base64ToBytes(remark_sealed);
      const owner = remarkOwner(record(), id);
      const told = sealed && openContactRemark(deps.primitives, owner, sealed);
      if (told === null) {
        deps.log.warn("engine.remark-unreadable");
        continue;
      }
      toldRevision.set(id, told.revision);
      if (told.revision > (known.get(id)?.revision ?? 0)) await keep({ id, ...told });
    }
    // Also where the relay went back to an older one: what was named here last holds.
    for (const one of known.values()) {
      if (isOnlyHere(one.id) || (toldRevision.get(one.id) ?? 0) >= one.revision) continue;
      const said = await tell(one);
      if (!said.ok && said.failure.kind !== "peer/not-found") return;
    }
  };

  return {
    of: (accountId) => known.get(accountId)?.name || null,
    async set(id, name) {
      const cleaned = cleanRemark(name);
      const before = known.get(id);
      if (cleaned === (before?.name ?? "")) return ok(null);
      // A clock that went back must not lose against what this device said before.
      const revision = Math.max(deps.clock.now(), (before?.revision ?? 0) + 1);
      const kept = await keep({ id, name: cleaned, revision });
      if (kept.ok && !isOnlyHere(id)) void queue.run("level", level);
      return kept.ok ? ok(null) : err(kept.failure);
    },
    level: () => queue.run("level", level),
  };
}

/** Fails with `peer/not-found` for somebody who is nowhere in this person's conversations. */
export const setRemark = async (
  { book, remarks, selfId }: Session,
  { accountId, name }: { readonly accountId: AccountId; readonly name: string },
): Promise<Result<null, EngineFailure>> => {
  const isMet = book
    .list()
    .some(
      ({ peerId, members }) => peerId === accountId || members.some(({ id }) => id === accountId),
    );
  return isMet && accountId !== selfId
    ? remarks.set(accountId, name)
    : err({ kind: "peer/not-found" });
};

/** One line, as long as a contact's own name may be; nothing that can be seen is no name. */
function cleanRemark(name: string): string {
  const line = Array.from(name.normalize("NFC").replaceAll(/\s+/gu, " ").trim())
    .slice(0, MAX_REMARK_CHARACTERS)
    .join("")
    .trim();
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(line) ? line : "";
}
