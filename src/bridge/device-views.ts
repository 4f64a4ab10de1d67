/** Snapshots of a device link and of history on its way, for the screens of both devices. SPEC §views. */
import type { DeviceId } from "#protocol/ids.ts";

/** How far history goes back, in days; null for everything. */
export type HistoryReach = 7 | 30 | null;

/** A device link as one of its ends sees it. `digits`: six, the same at both ends when nobody is between them. */
export type DeviceLinkView =
  // The old device.
  | {
      readonly status: "offered";
      /** The secret stands in its fragment. */
      readonly url: string;
      /** The same secret in seven groups of letters. */
      readonly code: string;
      readonly expiresAt: number;
    }
  | {
      readonly status: "asked";
      readonly deviceName: string;
      readonly digits: string;
      readonly expiresAt: number;
    }
  | { readonly status: "admitting"; readonly deviceName: string }
  | { readonly status: "admitted"; readonly deviceName: string; readonly deviceId: DeviceId }
  // The new device.
  | { readonly status: "asking" }
  | {
      readonly status: "comparing";
      readonly digits: string;
      readonly displayName: string;
      readonly handle: string;
      readonly expiresAt: number;
    }
  | { readonly status: "joining"; readonly displayName: string }
  /** Either: it came to nothing, and why. */
  | { readonly status: "over"; readonly failure: string };

/** What would be handed over. */
export type HistoryPlanView = {
  readonly conversationCount: number;
  readonly messageCount: number;
  readonly sizeBytes: number;
};

/** History on its way from or to this device; counts are parts. */
export type HistoryView = {
  readonly role: "sending" | "taking";
  /** The device at the other end. */
  readonly deviceId: DeviceId;
  readonly doneParts: number;
  readonly totalParts: number;
  readonly status: "running" | "done" | "stopped";
  /** Why it stopped; null when a person stopped it. */
  readonly failure: string | null;
};
