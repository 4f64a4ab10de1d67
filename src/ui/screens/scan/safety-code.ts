/** A safety number's QR code as text: what one screen draws and another one's camera reads. */

const PREFIX = "parley-sn:";

/** The bytes of a safety code as text that every scanner gives back unchanged. */
export const safetyCodeText = (bytes: readonly number[]): string =>
  PREFIX +
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

export const isSafetyCode = (text: string): boolean => text.startsWith(PREFIX);

/** Whether the code that was read is the one drawn here. */
export const isSameSafetyCode = (bytes: readonly number[], read: string): boolean =>
  bytes.length > 0 && read === safetyCodeText(bytes);
