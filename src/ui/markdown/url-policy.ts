/** Which addresses of a message may become links, and what a person is told before one opens. */

const MAX_URL_LENGTH = 2_048;

/** An address that may be opened after the person was asked. */
export type SafeLink = {
  readonly href: string;
  readonly scheme: "https" | "http" | "mailto";
  /** Host in ASCII with a port that is not the default; for mail the whole address. */
  readonly host: string;
  /** The end of the host that somebody registered: who it really leads to. */
  readonly registrable: string;
  readonly isPunycode: boolean;
};

/** The link of an address from a message, or null when it stays plain text. Resolved against nothing. */
export function safeLink(address: string): SafeLink | null {
  if (address.length > MAX_URL_LENGTH || REFUSED.test(address)) return null;
  // Without the slashes `https:h` would be taken for a host.
  if (!/^(?:https?:\/\/[^/]|mailto:[^/])/i.test(address)) return null;
  const url = parseUrl(address);
  if (url === null || url.username !== "" || url.password !== "") return null;
  if (url.protocol === "mailto:") return mailLink(url);
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  if (url.hostname === "" || url.href.length > MAX_URL_LENGTH) return null;
  return {
    href: url.href,
    scheme: url.protocol === "https:" ? "https" : "http",
    host: url.host,
    registrable: registrableOf(url.hostname),
    isPunycode: url.hostname.split(".").some((label) => label.startsWith("xn--")),
  };
}

/** The host of an image's address for its placeholder; null when it has none to show. */
export function imageHost(address: string): string | null {
  const url = REFUSED.test(address) ? null : parseUrl(address);
  return url !== null && /^https?:$/.test(url.protocol) && url.host !== "" ? url.host : null;
}

/** An address in the link's words that is not the one it leads to; null when they agree or name none. */
export function hostClaimedBy(words: string, link: SafeLink): string | null {
  const claimed =
    /(?:[\p{L}\p{N}_-]{1,63}\.){1,8}\p{L}{2,24}/u.exec(
      words.slice(0, 500).normalize("NFKC"),
    )?.[0] ?? null;
  if (claimed === null) return null;
  const bare = (host: string): string =>
    host
      .toLowerCase()
      .replace(/^www\./, "")
      .replace(/:\d+$/, "");
  const target = bare(link.scheme === "mailto" ? link.registrable : link.host);
  return bare(claimed) === target ? null : claimed;
}

// Spaces, controls, backslashes, and everything that turns or hides what is read.
const REFUSED = /[\s\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\\]/u;

function parseUrl(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

function mailLink(url: URL): SafeLink | null {
  const address = decodeOnce(url.pathname);
  if (address === null || !/^[^\s@<>"',;:()[\]]{1,64}@[a-z0-9.-]{1,253}$/i.test(address))
    return null;
  const host = address.slice(address.indexOf("@") + 1).toLowerCase();
  // Subject, body and copies are dropped: they would write in the reader's name.
  return {
    href: `mailto:${encodeURI(address)}`,
    scheme: "mailto",
    host: address,
    registrable: registrableOf(host),
    isPunycode: host.split(".").some((label) => label.startsWith("xn--")),
  };
}

function decodeOnce(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Labels under which countries let people register, such as `co.uk`. An approximation without the full public list. */
const SECOND_LEVEL: ReadonlySet<string> = new Set([
  "ac",
  "co",
  "com",
  "edu",
  "gob",
  "gov",
  "ltd",
  "me",
  "mil",
  "ne",
  "net",
  "nom",
  "or",
  "org",
  "plc",
  "sch",
]);

function registrableOf(hostname: string): string {
  if (/^[\d.]+$/.test(hostname) || hostname.startsWith("[")) return hostname;
  const labels = hostname.split(".");
  const second = labels.at(-2) ?? "";
  const isCountry = labels.at(-1)?.length === 2;
  return labels.slice(isCountry && SECOND_LEVEL.has(second) ? -3 : -2).join(".");
}
