/** A device link as text: `https://server/link#CODE`. What a person may paste or type is read here. SPEC §devices. */

const PATH = "/link";

/** The link; its code stands in the fragment, which no browser sends. */
export const deviceLinkUrl = (origin: string, code: string): string =>
  `${origin}${PATH}#${code.replaceAll("-", "")}`;

/**
 * The code in what was typed, pasted or scanned: a code, or a link of this server or the path of one. Null for a link
 * that is another server's or no device link.
 */
export function codeOfDeviceLink(origin: string, text: string): string | null {
  const trimmed = text.trim();
  if (!trimmed.includes("#")) return trimmed.includes("/") ? null : trimmed;
  let url: URL;
  try {
    url = new URL(trimmed, origin);
  } catch {
    return null;
  }
  return url.origin === origin && url.pathname === PATH ? url.hash.slice(1) : null;
}
