import type { Bytes } from "./bytes.ts";

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Standard padded base64, the wire's text form of bytes (RFC 4648 §4). */
export const bytesToBase64 = (bytes: Uint8Array): string => encode(bytes, STANDARD, true);

/** Bytes of canonical standard padded base64, or null (RFC 4648 §4, §3.5). */
export const base64ToBytes = (text: string): Bytes | null =>
  text.length % 4 === 0
    ? decode(text.replace(/={1,2}$/, ""), STANDARD_VALUES, bytesToBase64, text)
    : null;

/** Unpadded base64url, for links and digests (RFC 4648 §5). */
export const bytesToBase64Url = (bytes: Uint8Array): string => encode(bytes, URL_SAFE, false);

/** Bytes of canonical unpadded base64url, or null (RFC 4648 §5, §3.5). */
export const base64UrlToBytes = (text: string): Bytes | null =>
  decode(text, URL_VALUES, bytesToBase64Url, text);

/** Whether every character is one of standard padded base64; what the last ones stand for is not looked at. */
export function hasBase64Form(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  let end = text.length;
  while (end > text.length - 2 && text.charCodeAt(end - 1) === PADDING) end--;
  // A regular expression takes several times as long, and envelopes are long.
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || (STANDARD_VALUES[code] ?? -1) < 0) return false;
  }
  return true;
}

const PADDING = 61;

const values = (alphabet: string): Int16Array => {
  const table = new Int16Array(128).fill(-1);
  for (let i = 0; i < alphabet.length; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
};
const STANDARD_VALUES = values(STANDARD);
const URL_VALUES = values(URL_SAFE);

function encode(bytes: Uint8Array, alphabet: string, padded: boolean): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet[word >> 18];
    text += alphabet[(word >> 12) & 63];
    if (left > 1) text += alphabet[(word >> 6) & 63];
    else if (padded) text += "=";
    if (left > 2) text += alphabet[word & 63];
    else if (padded) text += "=";
  }
  return text;
}

function decode(
  body: string,
  table: Int16Array,
  reencode: (bytes: Uint8Array) => string,
  whole: string,
): Bytes | null {
  const bytes = new Uint8Array(Math.floor((body.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < body.length; i++) {
    const code = body.charCodeAt(i);
    const value = code < 128 ? (table[code] ?? -1) : -1;
    if (value < 0) return null;
    held = ((held << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
    }
  }
  // Canonical form only: a second spelling of the same bytes would be a second id or signature.
  const last = bytes.subarray(Math.max(0, bytes.length - 3 - (bytes.length % 3)));
  return body.length % 4 !== 1 && whole.endsWith(reencode(last)) ? bytes : null;
}
