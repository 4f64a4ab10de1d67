import { bytesToHex } from "#base/bytes.ts";
import type { RandomBytes } from "#base/random.ts";

/** A handle made of a display name, for people who did not choose one: its plain letters and six random digits. */
export function makeHandle(displayName: string, random: RandomBytes): string {
  const plain = displayName
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, 20);
  return `${plain === "" ? "user" : plain}_${bytesToHex(random(3))}`;
}
