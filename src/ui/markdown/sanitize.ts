/**
 * Cleans an HTML string that has to exist: what is copied with its formatting. A belt over the guard, never a reason to allow
 * HTML. DOMPurify is loaded with the first copy only.
 */
import type { Config } from "dompurify";

/** One fixed set, no template, no custom element, no address but those of links. */
export const SANITIZE_CONFIG: Config = Object.freeze({
  ALLOWED_TAGS: [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
  ],
  ALLOWED_ATTR: ["href", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOW_UNKNOWN_PROTOCOLS: false,
  SANITIZE_DOM: true,
  KEEP_CONTENT: true,
});

/**
 * The HTML of a drawn message for the clipboard, or null where no purifier runs: then only plain text is copied.
 * The node is cleaned as a copy; what is on the page stays as it is.
 */
export async function htmlForClipboard(node: Node): Promise<string | null> {
  const { default: purify } = await import("dompurify");
  if (!purify.isSupported) return null;
  try {
    const clean = purify.sanitize(node.cloneNode(true), { ...SANITIZE_CONFIG, IN_PLACE: false });
    return typeof clean === "string" ? clean : null;
  } catch {
    return null;
  }
}
