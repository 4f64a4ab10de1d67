/** Links that lead to an agent or a person; the fingerprint in the fragment never reaches the relay. Pure. */
import { base64UrlToBytes, bytesToBase64Url } from "#base/base64.ts";
import type { Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import { HANDLE } from "#protocol/limits.ts";
import type { ContactPayload } from "#protocol/payload.ts";
import type { EngineFailure } from "./failure.ts";

export type InviteLink =
  | { readonly kind: "agent"; readonly code: string; readonly fingerprint: Bytes }
  | { readonly kind: "human"; readonly handle: string; readonly fingerprint: Bytes };

/**
 * What a link says. A path alone counts as one of this origin.
 *
 * Fails with `engine/bad-invite`: no link, another server's, no fingerprint of 32 bytes.
 */
export function parseInviteLink(text: string, origin: string): Result<InviteLink, EngineFailure> {
  const bad = err<EngineFailure>({ kind: "engine/bad-invite" });
  let url: URL;
  try {
    url = new URL(text.trim(), origin);
  } catch {
    return bad;
  }
  if (url.origin !== new URL(origin).origin) return bad;
  const fingerprint = base64UrlToBytes(/^#fp=([A-Za-z0-9_-]{43})$/.exec(url.hash)?.[1] ?? "");
  if (fingerprint?.length !== 32) return bad;
  const code = /^\/i\/([A-Za-z0-9_-]{1,64})$/.exec(url.pathname)?.[1];
  if (code !== undefined) return ok({ kind: "agent", code, fingerprint });
  const handle = /^\/p\/@?([a-z0-9_]{3,32})$/.exec(url.pathname)?.[1];
  return handle === undefined || !HANDLE.test(handle)
    ? bad
    : ok({ kind: "human", handle, fingerprint });
}

/** A person's own link. */
export const personLink = (origin: string, handle: string, fingerprint: Bytes): string =>
  `${origin}/p/${handle}#fp=${bytesToBase64Url(fingerprint)}`;

/**
 * The link by which a conversation with a contact can start, or null: none of this server, none for its kind, or one
 * that disagrees with the fingerprint beside it.
 */
export function contactLink(contact: ContactPayload["contact"], origin: string): string | null {
  const { kind, handle, fingerprint, invite_url: url } = contact;
  if (kind === "group") return null;
  if (url === undefined) {
    const key = fingerprint === undefined ? null : base64UrlToBytes(fingerprint);
    return kind === "user" && handle !== undefined && key !== null
      ? personLink(origin, handle, key)
      : null;
  }
  const link = parseInviteLink(url, origin);
  if (!link.ok || (link.value.kind === "agent") !== (kind === "agent")) return null;
  const agrees =
    fingerprint === undefined || fingerprint === bytesToBase64Url(link.value.fingerprint);
  return agrees ? url : null;
}
