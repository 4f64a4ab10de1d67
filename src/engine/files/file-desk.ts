/** All about files of one open account: beside drafts, on their way up, opened. */
import { err, ok, type Result } from "#base/result.ts";
import type { AttachedView, OpenedFile, TransferView } from "#bridge/file-views.ts";
import type { Endpoint, OutgoingMessage } from "#peer/endpoint.ts";
import { createFileTransfer } from "#peer/file-transfer.ts";
import type { Rest, Tokens } from "#peer/rest.ts";
import type { Store } from "#peer/store.ts";
import { makeId, type AccountId, type ConversationId, type MessageId } from "#protocol/ids.ts";
import { MAX_FILES_PER_MESSAGE, MAX_TEXT_UNITS } from "#protocol/limits.ts";
import type { Attachment, Ref } from "#protocol/payload.ts";
import type { EngineDeps } from "../deps.ts";
import type { EngineFailure } from "../failure.ts";
import { loadFileMessages, type FileMessages } from "./file-messages.ts";
import { loadKeptFiles } from "./kept-files.ts";
import { baringOf } from "./bare-picture.ts";
import { openFile } from "./open-file.ts";
import { pictureOf } from "./picture.ts";
import { loadStagedFiles, viewStaged } from "./staged-files.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

export interface FileDesk {
  readonly messages: FileMessages;
  /** Whether a file's bytes lie on this device. */
  isHere(attachmentId: string): boolean;
  attach(
    input: {
      readonly conversationId: ConversationId;
      readonly fileId: string;
      readonly name: string;
      readonly bytes: Blob;
    },
    signal: AbortSignal | null,
  ): Answer<AttachedView>;
  detach(fileId: string): Answer<null>;
  attached(conversationId: ConversationId): readonly AttachedView[];
  /** Fails with `engine/file-gone`, `engine/too-many-files`, `engine/text-too-long` and the store's kinds. */
  send(input: {
    readonly conversationId: ConversationId;
    readonly text: string;
    readonly mentions: readonly AccountId[];
    readonly reply: Ref | null;
    readonly fileIds: readonly string[];
  }): Answer<MessageId>;
  open(
    input: {
      readonly conversationId: ConversationId;
      readonly messageId: MessageId;
      readonly attachmentId: string;
    },
    signal: AbortSignal | null,
  ): Answer<OpenedFile>;
  /**
   * Brings up a small picture at once, for the message that will name it, and keeps it here.
   *
   * Fails with `engine/no-picture` (by its bytes, or over 1 MiB) and the line's kinds.
   */
  placePicture(
    conversationId: ConversationId,
    messageId: MessageId,
    bytes: Blob,
  ): Answer<Attachment>;
  /** A message was taken back: its pictures are kept no longer. */
  forgetMessage(messageId: MessageId): void;
  forgetConversation(conversationId: ConversationId): Promise<void>;
  close(): void;
}

type Needs = {
  readonly deps: EngineDeps;
  readonly store: Store;
  readonly endpoint: Pick<Endpoint, "send" | "outgoing"> & { readonly rest: Rest };
  readonly tokens: Tokens;
  readonly changed: (
    conversationId: ConversationId,
    messageId: MessageId,
    message: OutgoingMessage | null,
  ) => void;
  readonly tell: (transfer: TransferView) => void;
};

/** Faces are drawn small, and everybody in the group fetches them. */
const MAX_PLACED_BYTES = 1 << 20;

/** Opens the desk; what waits to go up begins when the line is told to be there. */
export async function openFileDesk(needs: Needs): Promise<FileDesk> {
  const { deps, store, endpoint, tokens, tell } = needs;
  const transferNeeds = {
    primitives: deps.primitives,
    rest: endpoint.rest,
    tokens,
    line: deps.fileLine,
    baseUrl: deps.origin,
    agentId: null,
  };
  const staged = await loadStagedFiles(store);
  const kept = await loadKeptFiles(store, deps.clock);
  const transfer = createFileTransfer(transferNeeds);
  const messages = await loadFileMessages({ ...needs, transfer: transferNeeds, staged, kept });
  let lastAt = 0;
  return {
    messages,
    isHere: (attachmentId) => kept.has(attachmentId) || staged.get(attachmentId) !== null,
    attach(input, signal) {
      // Files that are chosen together keep their order.
      lastAt = Math.max(lastAt + 1, deps.clock.now());
      return staged.add(input, lastAt, signal);
    },
    detach: (fileId) =>
      staged.get(fileId)?.isTaken === true
        ? Promise.resolve(err({ kind: "engine/unknown-file" }))
        : staged.remove(fileId),
    attached: (conversationId) => staged.beside(conversationId).map(viewStaged),
    async send({ fileIds, ...said }) {
      if (fileIds.length > MAX_FILES_PER_MESSAGE)
        return err({ kind: "engine/too-many-files", limit: MAX_FILES_PER_MESSAGE });
      if (said.text.length > MAX_TEXT_UNITS)
        return err({ kind: "engine/text-too-long", limit: MAX_TEXT_UNITS });
      const beside = new Set(staged.beside(said.conversationId).map(({ id }) => id));
      if (fileIds.length === 0 || !fileIds.every((id) => beside.has(id)))
        return err({ kind: "engine/file-gone" });
      const now = deps.clock.now();
      const messageId = makeId<MessageId>(now, deps.random);
      const queued = await messages.queue({ ...said, fileIds, messageId, queuedAt: now });
      return queued.ok ? ok(messageId) : queued;
    },
    open: (input, signal) =>
      openFile({ store, endpoint, transfer, staged, kept, tell }, input, signal),
    async placePicture(conversationId, messageId, blob) {
      const given = blob.size > MAX_PLACED_BYTES ? null : new Uint8Array(await blob.arrayBuffer());
      const bare = given && (baringOf(given)?.(given) ?? null);
      const picture = bare && pictureOf(bare);
      if (bare === null || picture === null) return err({ kind: "engine/no-picture" });
      const plain = { sizeBytes: bare.length, read: () => [bare] };
      const sealed = await transfer.upload(conversationId, plain);
      if (!sealed.ok) return sealed;
      const { attachment_id: attachmentId } = sealed.value;
      await kept.keep({ attachmentId, conversationId, messageId }, bare);
      return ok({ ...sealed.value, ...picture });
    },
    forgetMessage: (messageId) => void kept.forget((one) => one.messageId === messageId),
    async forgetConversation(conversationId) {
      await messages.forgetConversation(conversationId);
      for (const { id } of staged.beside(conversationId)) await staged.remove(id);
      await kept.forget((one) => one.conversationId === conversationId);
    },
    close: () => messages.close(),
  };
}
