/** A capability manifest as an agent or an operator gives it. */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { ok, type Result } from "#base/result.ts";
import { MAX_MANIFEST_BYTES } from "#protocol/limits.ts";
import { CapabilityManifest } from "#protocol/manifest.ts";
import { parseShape } from "#protocol/parse.ts";
import { refuse, type RelayFailure } from "./failure.ts";

export type CheckedManifest = {
  /** As it was given: members of later versions count for the hash. */
  readonly text: string;
  /** Hex SHA-256 of the RFC 8785 form. */
  readonly hash: string;
  readonly manifest: CapabilityManifest;
};

/** Fails with `MANIFEST_INVALID` and the path of the first member at fault. */
export function checkManifest(given: unknown): Result<CheckedManifest, RelayFailure> {
  const text = JSON.stringify(given);
  const shaped = parseShape(CapabilityManifest, given);
  if (!shaped.ok) {
    const path = shaped.failure.kind === "protocol/bad-shape" ? shaped.failure.path : "";
    return refuse("MANIFEST_INVALID", { path });
  }
  if (text.length > MAX_MANIFEST_BYTES) return refuse("TOO_LARGE", { limit: MAX_MANIFEST_BYTES });
  const canonical = canonicalize(given) ?? "";
  const hash = createHash("sha256").update(canonical).digest("hex");
  return ok({ text, hash, manifest: shaped.value });
}
