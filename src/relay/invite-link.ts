/** A link that leads to an agent and says who must answer there. */

/** `origin` may be empty: then the link is one within the app. */
export const inviteLink = (
  origin: string,
  { code, fingerprint }: { readonly code: string; readonly fingerprint: string },
): string => `${origin}/i/${code}#fp=${fingerprint}`;

/** Bytes of an identity's fingerprint. */
const SIZE_BYTES = 32;

/** A fingerprint as agents print it, in groups of hexadecimal digits, or as links carry it: the latter, or null. */
export function readFingerprint(text: string): string | null {
  const digits = text.replaceAll(/\s/g, "");
  const isHex = /^[0-9a-f]{64}$/i.test(digits);
  const bytes = Buffer.from(digits, isHex ? "hex" : "base64url");
  const spelled = bytes.toString("base64url");
  return bytes.length === SIZE_BYTES && (isHex || spelled === digits) ? spelled : null;
}
