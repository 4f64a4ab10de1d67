/**
 * Messages with files on their way: kept before the page hears of them, their files sealed and brought up one after
 * another, then handed to the outbox under the same id. A lost line pauses, a reload goes on. SPEC §files.
 */
import { backoffDelayMs } from "#base/backoff.ts";
import { createKeyedQueue } from "#base/queue.ts";
import { err, ok, type Result } from "#base/result.ts";
import type { TransferView } from "#bridge/file-views.ts";
import type { OutgoingMessage, Endpoint } from "#peer/endpoint.ts";
import { isPassing, type PeerFailure } from "#peer/failure.ts";
import type { FileTransferNeeds, SealedFile } from "#peer/file-transfer.ts";
import { createPiecewiseUpload } from "#peer/piecewise-upload.ts";
import type { Store } from "#peer/store.ts";
import { createPauses, createSignal } from "#peer/waiting.ts";
import type { AccountId, ConversationId, MessageId } from "#protocol/ids.ts";
import type { KnownPayload, Ref } from "#protocol/payload.ts";
import type { EngineDeps } from "../deps.ts";
import type { EngineFailure } from "../failure.ts";
import { loadRecords, putRecord, TABLE } from "../records.ts";
import { payloadOf, pendingPayload } from "./file-payload.ts";
import { MAX_KEPT_FILE_BYTES, type KeptFiles } from "./kept-files.ts";
import type { StagedFiles } from "./staged-files.ts";

/** A message with files as it is queued. */
export type FileMessage = {
  readonly messageId: MessageId;
  readonly conversationId: ConversationId;
  readonly text: string;
  readonly mentions: readonly AccountId[];
  readonly reply: Ref | null;
  readonly fileIds: readonly string[];
  readonly queuedAt: number;
};

export interface FileMessages {
  /** Goes on with what an earlier run left. */
  start(): void;
  /** Keeps a message, and takes its files and its draft away, in one transaction; then it goes. */
  queue(message: FileMessage): Promise<Result<null, EngineFailure>>;
  has(messageId: MessageId): boolean;
  outgoing(conversationId: ConversationId): readonly OutgoingMessage[];
  /** How far the uploads of now are, for a page that joins. */
  transfers(): readonly TransferView[];
  retry(messageId: MessageId): Promise<Result<null, EngineFailure>>;
  /** Ends the upload and forgets message and files. */
  discard(messageId: MessageId): Promise<Result<null, EngineFailure>>;
  forgetConversation(conversationId: ConversationId): Promise<void>;
  /** The line came or went. */
  setOnline(isOnline: boolean): void;
  close(): void;
}

type Needs = {
  readonly deps: Pick<EngineDeps, "clock" | "random">;
  readonly store: Store;
  readonly endpoint: Pick<Endpoint, "send">;
  readonly transfer: FileTransferNeeds;
  readonly staged: StagedFiles;
  readonly kept: KeptFiles;
  /** A row is new or looks different; null: it is gone. */
  readonly changed: (
    conversationId: ConversationId,
    messageId: MessageId,
    message: OutgoingMessage | null,
  ) => void;
  readonly tell: (transfer: TransferView) => void;
};

type Row = FileMessage & {
  readonly sealedById: Readonly<Record<string, SealedFile>>;
  readonly failure: PeerFailure | null;
};
type Job = {
  row: Row;
  status: "waiting" | "running" | "paused";
  /** Bytes of files that are up, and of the one that is going. */
  doneBytes: number;
  isOver: boolean;
  /** Ends the request under way. */
  abort: AbortController;
};

/** A place at the relay is forgotten after an hour, and bytes may be damaged on the way: then it starts over. */
const MAX_STARTS = 3;

/** Loads what an earlier run left. */
export async function loadFileMessages(needs: Needs): Promise<FileMessages> {
  const rows = await loadRecords<Row>(needs.store, TABLE.fileMessages);
  const desk = new Desk(needs);
  for (const row of [...rows.values()].toSorted((a, b) => a.queuedAt - b.queuedAt)) desk.add(row);
  return desk;
}

class Desk implements FileMessages {
  readonly #needs: Needs;
  readonly #jobs = new Map<MessageId, Job>();
  readonly #lanes = createKeyedQueue();
  readonly #pauses: ReturnType<typeof createPauses>;
  #isOnline = false;
  #isClosed = false;
  #line = createSignal();

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#pauses = createPauses(needs.deps.clock);
  }

  add(row: Row): Job {
    const job: Job = {
      row,
      status: "waiting",
      doneBytes: 0,
      isOver: false,
      abort: new AbortController(),
    };
    this.#jobs.set(row.messageId, job);
    return job;
  }

  start(): void {
    for (const job of this.#jobs.values()) if (job.row.failure === null) this.#begin(job);
  }

  async queue(message: FileMessage): Promise<Result<null, EngineFailure>> {
    const { store, staged } = this.#needs;
    const row: Row = { ...message, sealedById: {}, failure: null };
    const kept = await store.commit({
      puts: [
        putRecord(TABLE.fileMessages, message.messageId, row),
        ...(staged.take(message.fileIds).puts ?? []),
      ],
      deletes: [{ table: TABLE.drafts, key: message.conversationId }],
    });
    if (!kept.ok) return kept;
    staged.noteTaken(message.fileIds);
    const job = this.add(row);
    this.#begin(job);
    this.#show(job);
    return ok(null);
  }

  has(messageId: MessageId): boolean {
    return this.#jobs.has(messageId);
  }

  outgoing(conversationId: ConversationId): readonly OutgoingMessage[] {
    return [...this.#jobs.values()]
      .filter(({ row }) => row.conversationId === conversationId)
      .map((job) => this.#shown(job));
  }

  transfers(): readonly TransferView[] {
    return [...this.#jobs.values()]
      .filter(({ row }) => row.failure === null)
      .map((job) => this.#transferOf(job));
  }

  async retry(messageId: MessageId): Promise<Result<null, EngineFailure>> {
    const job = this.#jobs.get(messageId);
    if (job === undefined || job.row.failure === null)
      return err({ kind: "engine/unknown-message" });
    const saved = await this.#save(job, { ...job.row, failure: null });
    if (!saved.ok) return saved;
    this.#begin(job);
    this.#show(job);
    return ok(null);
  }

  async discard(messageId: MessageId): Promise<Result<null, EngineFailure>> {
    const job = this.#jobs.get(messageId);
    if (job === undefined) return err({ kind: "engine/unknown-message" });
    const { conversationId } = job.row;
    this.#end(job);
    const forgotten = await this.#forget(job.row);
    this.#needs.changed(conversationId, messageId, null);
    return forgotten;
  }

  async forgetConversation(conversationId: ConversationId): Promise<void> {
    for (const { row } of this.#jobs.values())
      if (row.conversationId === conversationId) await this.discard(row.messageId);
  }

  setOnline(isOnline: boolean): void {
    if (isOnline === this.#isOnline) return;
    this.#isOnline = isOnline;
    if (isOnline) {
      this.#line.fire();
      this.#line = createSignal();
      return;
    }
    // A request over a dead line would be waited for in vain.
    for (const job of this.#jobs.values()) job.abort.abort();
  }

  close(): void {
    this.#isClosed = true;
    for (const job of this.#jobs.values()) job.abort.abort();
    this.#pauses.end();
    this.#line.fire();
  }

  #begin(job: Job): void {
    job.isOver = false;
    void this.#lanes.run(job.row.conversationId, () => this.#run(job));
  }

  async #run(job: Job): Promise<void> {
    for (const id of job.row.fileIds) {
      if (this.#isDone(job)) return;
      const known = job.row.sealedById[id];
      const sealed = known === undefined ? await this.#bringUp(job, id) : ok(known);
      if (this.#isDone(job)) return;
      if (!sealed.ok) return this.#fail(job, sealed.failure);
      const sealedById = { ...job.row.sealedById, [id]: sealed.value };
      const saved = await this.#save(job, { ...job.row, sealedById });
      if (!saved.ok) return this.#fail(job, saved.failure);
      this.#move(job, "running", 0);
    }
    await this.#send(job);
  }

  /** One file, however often the line goes. */
  async #bringUp(job: Job, id: string): Promise<Result<SealedFile, PeerFailure>> {
    const { staged, transfer } = this.#needs;
    const file = staged.get(id);
    if (file === null) return err({ kind: "peer/file-gone" });
    const plain = { sizeBytes: file.sizeBytes, read: () => staged.read(id) };
    const start = () =>
      createPiecewiseUpload(
        transfer,
        { conversationId: job.row.conversationId, plain },
        (done, total) => this.#move(job, "running", (done / total) * file.sizeBytes),
      );
    let upload = start();
    let starts = 1;
    for (let tries = 0; ; tries++) {
      await this.#untilOnline(job);
      if (this.#isDone(job)) return err({ kind: "peer/closed" });
      this.#move(job, "running");
      job.abort = new AbortController();
      const before = job.doneBytes;
      const sealed = await upload.run(job.abort.signal);
      if (sealed.ok || this.#isDone(job)) return sealed;
      if (job.doneBytes > before) tries = 0;
      const { failure } = sealed;
      if (failure.kind === "peer/damaged-file" && !(await this.#isAllHere(id)))
        return err({ kind: "peer/file-gone" });
      if (mayStartOver(failure) && starts < MAX_STARTS) {
        starts += 1;
        upload = start();
      } else if (!isPassing(failure)) return sealed;
      this.#move(job, "paused");
      await this.#pause(failure, tries);
    }
  }

  async #isAllHere(id: string): Promise<boolean> {
    let sizeBytes = 0;
    for await (const piece of this.#needs.staged.read(id)) sizeBytes += piece.length;
    return sizeBytes === this.#needs.staged.get(id)?.sizeBytes;
  }

  /** What passes by itself is waited out; a line that comes back ends the wait. */
  #pause(failure: PeerFailure, tries: number): Promise<void> {
    const askedMs = "retryAfterMs" in failure ? (failure.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(askedMs, backoffDelayMs(tries, this.#needs.deps.random));
    if (this.#isClosed) return Promise.resolve();
    const pause = this.#pauses.wait(delayMs);
    return failure.kind === "peer/offline" ? Promise.race([pause, this.#line.wait()]) : pause;
  }

  async #untilOnline(job: Job): Promise<void> {
    while (!this.#isOnline && !this.#isDone(job)) {
      this.#move(job, "paused");
      await this.#line.wait();
    }
  }

  /** All files are up: the message goes the way of every other. */
  async #send(job: Job): Promise<void> {
    const { endpoint, staged } = this.#needs;
    const { conversationId, messageId, fileIds } = job.row;
    const files = fileIds.flatMap((id) => {
      const file = staged.get(id);
      const sealed = job.row.sealedById[id];
      return file === null || sealed === undefined ? [] : [{ file, sealed }];
    });
    await this.#keepPictures(job, files);
    if (this.#isDone(job)) return;
    const sent = await endpoint.send(conversationId, payloadOf(job.row, files), {
      messageId,
      alongside: {
        deletes: [{ table: TABLE.fileMessages, key: messageId }, ...staged.forget(fileIds)],
      },
    });
    if (!sent.ok) return this.#fail(job, sent.failure);
    staged.noteGone(fileIds);
    this.#end(job);
  }

  async #keepPictures(
    { row }: Job,
    files: readonly {
      readonly file: NonNullable<ReturnType<StagedFiles["get"]>>;
      readonly sealed: SealedFile;
    }[],
  ): Promise<void> {
    const { kept, staged } = this.#needs;
    for (const { file, sealed } of files) {
      if (file.picture === null || file.sizeBytes > MAX_KEPT_FILE_BYTES) continue;
      const bytes = new Uint8Array(file.sizeBytes);
      let at = 0;
      for await (const piece of staged.read(file.id)) {
        bytes.set(piece, at);
        at += piece.length;
      }
      if (at !== file.sizeBytes) continue;
      const { conversationId, messageId } = row;
      await kept.keep({ attachmentId: sealed.attachment_id, conversationId, messageId }, bytes);
    }
  }

  async #fail(job: Job, failure: PeerFailure): Promise<void> {
    if (this.#isDone(job)) return;
    await this.#save(job, { ...job.row, failure });
    // Where the disk refuses, the failure is shown all the same.
    job.row = { ...job.row, failure };
    this.#needs.tell({ ...this.#transferOf(job), status: "ended" });
    this.#show(job);
  }

  async #save(job: Job, row: Row): Promise<Result<null, PeerFailure>> {
    const saved = await this.#needs.store.commit({
      puts: [putRecord(TABLE.fileMessages, row.messageId, row)],
    });
    if (saved.ok) job.row = row;
    return saved;
  }

  #forget({ messageId, fileIds }: Row): Promise<Result<null, PeerFailure>> {
    const { store, staged } = this.#needs;
    const deletes = [{ table: TABLE.fileMessages, key: messageId }, ...staged.forget(fileIds)];
    staged.noteGone(fileIds);
    return store.commit({ deletes });
  }

  #end(job: Job): void {
    job.isOver = true;
    job.abort.abort();
    this.#jobs.delete(job.row.messageId);
    this.#needs.tell({ ...this.#transferOf(job), status: "ended" });
    // A paused one leaves its lane to the next.
    this.#line.fire();
    this.#line = createSignal();
  }

  #isDone(job: Job): boolean {
    return this.#isClosed || job.isOver;
  }

  #move(job: Job, status: Job["status"], goingBytes?: number): void {
    const upBytes = job.row.fileIds
      .filter((id) => job.row.sealedById[id] !== undefined)
      .reduce((sum, id) => sum + (this.#needs.staged.get(id)?.sizeBytes ?? 0), 0);
    const wasStatus = job.status;
    job.status = status;
    if (goingBytes !== undefined) job.doneBytes = upBytes + Math.floor(goingBytes);
    this.#needs.tell(this.#transferOf(job));
    if (wasStatus !== status) this.#show(job);
  }

  #transferOf({ row, status, doneBytes }: Job): TransferView {
    const totalBytes = row.fileIds.reduce(
      (sum, id) => sum + (this.#needs.staged.get(id)?.sizeBytes ?? 0),
      0,
    );
    return {
      id: row.messageId,
      conversationId: row.conversationId,
      status: status === "running" ? "running" : "paused",
      doneBytes: Math.min(doneBytes, totalBytes),
      totalBytes,
    };
  }

  #show(job: Job): void {
    const { conversationId, messageId } = job.row;
    this.#needs.changed(conversationId, messageId, this.#shown(job));
  }

  #shown({ row, status }: Job): OutgoingMessage {
    const payload: KnownPayload = pendingPayload(
      row,
      row.fileIds.flatMap((id) => this.#needs.staged.get(id) ?? []),
    );
    const { conversationId, messageId, queuedAt, failure } = row;
    return {
      conversationId,
      messageId,
      payload,
      queuedAt,
      state:
        failure !== null
          ? { status: "failed", failure }
          : { status: status === "running" ? "sending" : "queued" },
    };
  }
}

/** Its place at the relay is gone, or what came there was not what was sent. */
const mayStartOver = (failure: PeerFailure): boolean =>
  failure.kind === "peer/not-found" ||
  failure.kind === "peer/damaged-file" ||
  (failure.kind === "peer/refused" && failure.code === "SHA256_MISMATCH");
