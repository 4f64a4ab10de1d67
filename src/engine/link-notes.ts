/** A device link's notes as they lie at the relay: put once, waited for. SPEC §devices. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { bytesToHex, type Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { LinkKeys } from "#crypto/device-link.ts";
import { MAX_NOTE_WAIT_S } from "#protocol/limits.ts";
import { Empty, SealedNote } from "#protocol/rest.ts";
import { isPassing } from "#peer/failure.ts";
import type { Rest } from "#peer/rest.ts";
import { translated, type EngineFailure } from "./failure.ts";

/** A line that is down for a moment is tried again. */
const RETRY_MS = 2_000;

/** When to give up: the end of the link, or a person who does not want it any more. */
export type LinkEnd = { readonly expiresAt: number; readonly isOver: () => boolean };

/** Where a link's notes lie. */
export const linkPath = ({ linkId }: LinkKeys): string =>
  `/auth/device-links/${bytesToHex(linkId)}`;

/** Fails with `engine/device-link-gone`, `engine/device-link-used` and the line's kinds. */
export async function putNote(
  rest: Rest,
  keys: LinkKeys,
  step: number,
  note: Bytes,
): Promise<Result<null, EngineFailure>> {
  const put = await rest.call("PUT", `${linkPath(keys)}/${step}`, Empty, {
    sealed: bytesToBase64(note),
  });
  if (put.ok) return ok(null);
  return put.failure.kind === "peer/refused" && put.failure.code === "ID_TAKEN"
    ? err({ kind: "engine/device-link-used" })
    : err(linkFailure(put.failure));
}

/**
 * The note of a step, once it is there.
 *
 * Fails with `engine/device-link-gone` at the link's end, `engine/device-link-used`, `crypto/bad-link`.
 */
export async function waitForNote(
  { rest, clock }: { readonly rest: Rest; readonly clock: Clock },
  keys: LinkKeys,
  step: number,
  { expiresAt, isOver }: LinkEnd,
): Promise<Result<Bytes, EngineFailure>> {
  const path = `${linkPath(keys)}/${step}`;
  while (!isOver() && clock.now() < expiresAt) {
    const leftS = Math.ceil((expiresAt - clock.now()) / 1_000);
    const waitS = Math.max(1, Math.min(MAX_NOTE_WAIT_S, leftS));
    const got = await rest.call("GET", `${path}?wait=${waitS}`, SealedNote);
    if (got.ok && got.value.sealed !== null) {
      const note = base64ToBytes(got.value.sealed);
      return note === null ? err({ kind: "crypto/bad-link" }) : ok(note);
    }
    if (!got.ok && !isPassing(got.failure)) return err(linkFailure(got.failure));
    if (!got.ok) await pause(clock, RETRY_MS);
  }
  return err({ kind: "engine/device-link-gone" });
}

/** Resolves after a while. */
export const pause = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });

function linkFailure(failure: Parameters<typeof translated>[0]): EngineFailure {
  if (failure.kind === "peer/not-found") return { kind: "engine/device-link-gone" };
  return failure.kind === "peer/refused" && failure.code === "INVITE_EXPIRED"
    ? { kind: "engine/device-link-used" }
    : translated(failure);
}
