/**
 * Files that wait to be sent: read into the sealed store a piece at a time, so that they are there after a reload and
 * whatever becomes of the original. A record stands before its first piece, so no piece is left without one. SPEC §files.
 */
import type { Bytes } from "#base/bytes.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { AttachedView, PictureView } from "#bridge/file-views.ts";
import type { Batch, Delete, Store } from "#peer/store.ts";
import type { ConversationId } from "#protocol/ids.ts";
import { MAX_FILE_BYTES, MAX_FILES_PER_MESSAGE } from "#protocol/limits.ts";
import type { EngineFailure } from "../failure.ts";
import { baringOf, START_BYTES } from "./bare-picture.ts";
import { loadRecords, putRecord, TABLE } from "../records.ts";
import { pictureOf } from "./picture.ts";

/** A file in the store. */
export type StagedFile = {
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly name: string;
  readonly sizeBytes: number;
  readonly picture: PictureView | null;
  /** What the browser calls it, by its name; empty where it does not. Nothing here is decided by it. */
  readonly declaredMime: string;
  /** Order among those of a draft. */
  readonly at: number;
  readonly isWhole: boolean;
  /** It belongs to a message that was sent off, no more to the draft. */
  readonly isTaken: boolean;
};

export interface StagedFiles {
  /** Fails with `engine/file-too-large`, `engine/too-many-files`, `engine/file-unreadable`, `engine/cancelled` and the store's kinds. */
  add(
    input: {
      readonly conversationId: ConversationId;
      readonly fileId: string;
      readonly name: string;
      readonly bytes: Blob;
    },
    at: number,
    signal: AbortSignal | null,
  ): Promise<Result<AttachedView, EngineFailure>>;
  get(id: string): StagedFile | null;
  /** Whole files beside a conversation's draft, in order. */
  beside(conversationId: ConversationId): readonly StagedFile[];
  /** The bytes from their start; fewer than `sizeBytes` when pieces are gone. */
  read(id: string): AsyncGenerator<Bytes>;
  /** Writes that take files away from the draft, for a commit; `noteTaken` after it. */
  take(ids: readonly string[]): Batch;
  noteTaken(ids: readonly string[]): void;
  /** Writes that forget files, for a commit; `noteGone` after it. */
  forget(ids: readonly string[]): readonly Delete[];
  noteGone(ids: readonly string[]): void;
  /** Forgets a file beside a draft, being read or whole. */
  remove(id: string): Promise<Result<null, EngineFailure>>;
}

const PIECE_BYTES = 1 << 20;
/** Pieces in one transaction. */
const PIECES_AT_ONCE = 4;

/** Loads what waits; forgets files whose reading a reload cut off. */
export async function loadStagedFiles(store: Store): Promise<StagedFiles> {
  const files = new Map(await loadRecords<StagedFile>(store, TABLE.stagedFiles));
  const staged = new Staged(store, files);
  const torn = [...files.values()].filter(({ isWhole }) => !isWhole).map(({ id }) => id);
  if (torn.length > 0) {
    await store.commit({ deletes: [...staged.forget(torn)] });
    staged.noteGone(torn);
  }
  return staged;
}

class Staged implements StagedFiles {
  readonly #store: Store;
  readonly #files: Map<string, StagedFile>;

  constructor(store: Store, files: Map<string, StagedFile>) {
    this.#store = store;
    this.#files = files;
  }

  async add(
    { conversationId, fileId, name, bytes }: Parameters<StagedFiles["add"]>[0],
    at: number,
    signal: AbortSignal | null,
  ): Promise<Result<AttachedView, EngineFailure>> {
    if (bytes.size > MAX_FILE_BYTES)
      return err({ kind: "engine/file-too-large", limit: MAX_FILE_BYTES });
    const others = [...this.#files.values()].filter(
      (file) => file.conversationId === conversationId && !file.isTaken,
    );
    if (others.length >= MAX_FILES_PER_MESSAGE)
      return err({ kind: "engine/too-many-files", limit: MAX_FILES_PER_MESSAGE });
    const announced: StagedFile = {
      id: fileId,
      conversationId,
      name: name.slice(0, MAX_NAME_UNITS),
      sizeBytes: bytes.size,
      picture: null,
      declaredMime: bytes.type,
      at,
      isWhole: false,
      isTaken: false,
    };
    // In its place at once, so that those that come together count each other.
    this.#files.set(fileId, announced);
    const bare = await bared(bytes);
    if (bare === null) return this.#giveUp(announced, err({ kind: "engine/file-unreadable" }));
    const coming = { ...announced, sizeBytes: bare.bytes.size };
    const begun = await this.#store.commit({ puts: [recordOf(coming)] });
    const filled = begun.ok ? await this.#fill(coming, bare.bytes, signal) : begun;
    if (!filled.ok) return this.#giveUp(coming, filled);
    const whole = { ...coming, picture: bare.isBare ? filled.value : null, isWhole: true };
    const kept = await this.#store.commit({ puts: [recordOf(whole)] });
    if (!kept.ok) return this.#giveUp(coming, kept);
    // Taken away while its last piece was written.
    if (!this.#files.has(fileId)) return this.#giveUp(coming, err({ kind: "engine/cancelled" }));
    this.#files.set(fileId, whole);
    return ok(viewStaged(whole));
  }

  async #giveUp<Failed extends Result<never, EngineFailure>>(
    file: StagedFile,
    failed: Failed,
  ): Promise<Failed> {
    this.#files.delete(file.id);
    await this.#store.commit({ deletes: [...deletesOf(file)] });
    return failed;
  }

  get(id: string): StagedFile | null {
    return this.#files.get(id) ?? null;
  }

  beside(conversationId: ConversationId): readonly StagedFile[] {
    return [...this.#files.values()]
      .filter((file) => file.conversationId === conversationId && file.isWhole && !file.isTaken)
      .toSorted((a, b) => a.at - b.at);
  }

  async *read(id: string): AsyncGenerator<Bytes> {
    const count = piecesOf(this.#files.get(id)?.sizeBytes ?? 0);
    for (let i = 0; i < count; i++) {
      const piece = await this.#store.get(TABLE.filePieces, pieceKey(id, i));
      if (piece === null) return;
      yield piece;
    }
  }

  take(ids: readonly string[]): Batch {
    const files = ids.flatMap((id) => this.#files.get(id) ?? []);
    return { puts: files.map((file) => recordOf({ ...file, isTaken: true })) };
  }

  noteTaken(ids: readonly string[]): void {
    for (const id of ids) {
      const file = this.#files.get(id);
      if (file !== undefined) this.#files.set(id, { ...file, isTaken: true });
    }
  }

  forget(ids: readonly string[]): readonly Delete[] {
    return ids.flatMap((id) => this.#files.get(id) ?? []).flatMap(deletesOf);
  }

  noteGone(ids: readonly string[]): void {
    for (const id of ids) this.#files.delete(id);
  }

  async remove(id: string): Promise<Result<null, EngineFailure>> {
    const deletes = [...this.forget([id])];
    this.noteGone([id]);
    return this.#store.commit({ deletes });
  }

  /** Writes the bytes in; what the first of them say the file is. */
  async #fill(
    { id, sizeBytes }: StagedFile,
    bytes: Blob,
    signal: AbortSignal | null,
  ): Promise<Result<PictureView | null, EngineFailure>> {
    let picture: PictureView | null = null;
    for (let i = 0; i < piecesOf(sizeBytes); i += PIECES_AT_ONCE) {
      if (signal?.aborted === true || !this.#files.has(id))
        return err({ kind: "engine/cancelled" });
      const part = await bytesOf(bytes.slice(i * PIECE_BYTES, (i + PIECES_AT_ONCE) * PIECE_BYTES));
      const isShort = part !== null && i * PIECE_BYTES + part.length < sizeBytes;
      if (part === null || (isShort && part.length < PIECES_AT_ONCE * PIECE_BYTES))
        return err({ kind: "engine/file-unreadable" });
      if (i === 0) picture = pictureOf(part.subarray(0, PIECE_BYTES));
      const puts = Array.from({ length: piecesOf(part.length) }, (_, n) => ({
        table: TABLE.filePieces,
        key: pieceKey(id, i + n),
        value: part.slice(n * PIECE_BYTES, (n + 1) * PIECE_BYTES),
      }));
      const kept = await this.#store.commit({ puts });
      if (!kept.ok) return kept;
    }
    return ok(picture);
  }
}

const MAX_NAME_UNITS = 255;

/** A staged file for the page. */
export const viewStaged = ({ id, name, sizeBytes, picture }: StagedFile): AttachedView => ({
  fileId: id,
  name,
  sizeBytes,
  picture,
});

const piecesOf = (sizeBytes: number): number => Math.ceil(sizeBytes / PIECE_BYTES);
const pieceKey = (id: string, index: number): string => `${id}/${index}`;
const recordOf = (file: StagedFile) => putRecord(TABLE.stagedFiles, file.id, file);

const deletesOf = ({ id, sizeBytes }: StagedFile): readonly Delete[] => [
  { table: TABLE.stagedFiles, key: id },
  ...Array.from({ length: piecesOf(sizeBytes) }, (_, i) => ({
    table: TABLE.filePieces,
    key: pieceKey(id, i),
  })),
];

/**
 * A picture without what is written beside its pixels, all else as it is; also a picture whose structure cannot be
 * followed, which then is no picture but a file like others. Null for what cannot be read.
 */
async function bared(
  bytes: Blob,
): Promise<{ readonly bytes: Blob; readonly isBare: boolean } | null> {
  const start = await bytesOf(bytes.slice(0, START_BYTES));
  if (start === null) return null;
  const bare = baringOf(start);
  if (bare === null) return { bytes, isBare: false };
  const whole = await bytesOf(bytes);
  if (whole === null) return null;
  const rest = bare(whole);
  return rest === null
    ? { bytes, isBare: false }
    : { bytes: new Blob([rest], { type: bytes.type }), isBare: true };
}

async function bytesOf(blob: Blob): Promise<Bytes | null> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    // A folder, or a file that was moved or changed since it was chosen.
    return null;
  }
}
