/** Files as the screen shows them: beside a draft, on their way, and opened. */
import type { ConversationId } from "#protocol/ids.ts";

/** What the bytes say a picture is, never its name. */
export type PictureView = {
  readonly mime: "image/png" | "image/jpeg" | "image/webp" | "image/gif" | "image/avif";
  /** Pixels as stored: a photo may be turned by its own word. */
  readonly width: number;
  readonly height: number;
};

/** A file that waits beside a draft; its bytes lie sealed on this device. */
export type AttachedView = {
  readonly fileId: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** Null for everything that is not a picture this app shows. */
  readonly picture: PictureView | null;
};

/** Files on their way. Up: one for a message, with all its files. Down: one for a file. */
export type TransferView = {
  /** The message's id going up, the attachment's coming down. */
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly status: "running" | "paused" | "ended";
  readonly doneBytes: number;
  readonly totalBytes: number;
};

/** A file that was checked whole. */
export type OpenedFile = {
  /** Typed as the picture it is, else as plain bytes, so that a browser that is shown its address runs nothing. */
  readonly bytes: Blob;
  /** Fit for a disk: no path, no control or direction characters. */
  readonly name: string;
  readonly picture: PictureView | null;
};
