/** The agent: the documented names over an endpoint of the peer layer. This file builds real things; its parts do not. */
import { base64UrlToBytes } from "#base/base64.ts";
import { fingerprintText } from "#base/fingerprint-text.ts";
import { systemRandom } from "#base/random.ts";
import type { Attachment, KnownPayload } from "#protocol/payload.ts";
import type { Artifact, FormCard } from "#protocol/artifact.ts";
import { parseId, type MessageId } from "#protocol/ids.ts";
import { HasheeError } from "./agent-error.ts";
import type { ApprovalRequestInput } from "./artifacts/approvals.ts";
import { makeApprovalArtifact } from "./artifacts/approvals.ts";
import type { ArtifactReceipt, ArtifactUpdateInput } from "./artifacts/artifact-sender.ts";
import { sendMedia, type MediaInput } from "./artifacts/media.ts";
import { callTool, type ToolCallInput, type ToolCallResult } from "./artifacts/tool-call.ts";
import { holdVote, type VoteInput, type VoteResult } from "./artifacts/vote.ts";
import type { ApprovalDecision, ArtifactResponseEvent } from "./incoming/agent-event.ts";
import type { EventHandler, MessageHandler } from "./incoming/handlers.ts";
import { errorOfFailure } from "./error-of-failure.ts";
import type { FileRef, FileUpload, UploadReceipt } from "./files/agent-files.ts";
import type { ErrorHandler } from "./line/error-board.ts";
import type { AgentStatus, StatusHandler } from "./line/connection-status.ts";
import type { AgentNotes } from "./local/agent-notes.ts";
import type { Metrics } from "./metrics.ts";
import { settleOptions, type AgentOptions } from "./options.ts";
import { createReplyStream, type ReplyStream, type SendReceipt } from "./outgoing/reply-stream.ts";
import { conversationOf } from "./outgoing/sender.ts";
import type {
  AgentProfile,
  ConversationsPage,
  ConversationSummary,
  HistoryPage,
} from "./reading/reading.ts";
import { createWebhookReceiver } from "./webhook/receiver.ts";
import type { WebhookReceiver } from "./webhook/webhook-handler.ts";
import { isFor } from "./incoming/is-for.ts";
import type { AgentMessage } from "./incoming/message-context.ts";
import { assembleAgent, type AgentParts } from "./assemble.ts";

/** How long an answer to a question is waited for, unless said otherwise. */
const ANSWER_TIMEOUT_MS = 600_000;
/** How long `init` waits for the first attempt to connect. */
const FIRST_ATTEMPT_MS = 5_000;
const DRAIN_MS = 10_000;

/**
 * A program that talks with people, every word encrypted between its process and theirs.
 *
 * ```ts
 * const agent = await HasheeAgent.init();
 * agent.addMessageHandler((msg) => agent.send(msg.conversation_id, { type: "text", text: "Hello" }));
 * ```
 */
export class HasheeAgent {
  readonly #parts: AgentParts;
  #closing: Promise<void> | null = null;

  private constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  /**
   * Starts an agent. Resolves when its keys are ready and the first attempt to connect has succeeded, failed, or
   * lasted five seconds; it goes on trying after that.
   *
   * @throws {@link HasheeError} `BAD_REQUEST` for options that can never do
   */
  static async init(options: AgentOptions = {}): Promise<HasheeAgent> {
    const settled = settleOptions(options, process.env);
    const parts = await assembleAgent(settled);
    const agent = new HasheeAgent(parts);
    await parts.firstAttempt(FIRST_ATTEMPT_MS);
    return agent;
  }

  /**
   * A short visit beside the agent's own processes: it opens no connection, takes no messages and leaves its prekeys
   * alone. `live: true` opens one, for streams and signs of typing.
   *
   * @throws {@link HasheeError} `BAD_REQUEST` for options that can never do
   */
  static async visit(
    options: AgentOptions = {},
    { live = false }: { readonly live?: boolean } = {},
  ): Promise<HasheeAgent> {
    const connectionMode = live ? "websocket" : "webhook";
    const settled = settleOptions({ ...options, connectionMode, dedupe: null }, process.env);
    const parts = await assembleAgent(settled, { asGuest: true });
    await parts.firstAttempt(FIRST_ATTEMPT_MS);
    return new HasheeAgent(parts);
  }

  get agentId(): string {
    return this.#parts.agentId;
  }

  /** Whether an answer to this message is expected of this agent: see `isFor`. Keeps two agents from talking for ever. */
  isFor(message: AgentMessage): boolean {
    return isFor(this.agentId, message);
  }

  /** Fingerprint of the agent's identity, base64url: what an invite link carries behind `#fp=`. */
  get fingerprint(): string {
    return this.#parts.fingerprint;
  }

  /** The same for the eye, as the browser shows it: sixteen groups of four digits. The operator makes links with it. */
  get fingerprintText(): string {
    return fingerprintText(base64UrlToBytes(this.fingerprint) ?? new Uint8Array());
  }

  /** The line's newest status; null before anything was tried. */
  get status(): AgentStatus | null {
    return this.#parts.statuses.current;
  }

  /** Adds a handler of messages and returns its remover. One message at a time per conversation, 16 conversations at once. */
  addMessageHandler(handler: MessageHandler): () => void {
    return this.#parts.handlers.addMessageHandler(handler);
  }

  /** Adds a handler of what is no message: relations, answers to cards, recalls, reactions. */
  addEventHandler(handler: EventHandler): () => void {
    return this.#parts.handlers.addEventHandler(handler);
  }

  /** Adds a handler of the line's status; the first one hears at once what happened before it. */
  addStatusHandler(handler: StatusHandler): () => void {
    return this.#parts.statuses.add(handler);
  }

  /** Adds a handler of errors that no retry heals, and of what other handlers throw. */
  addErrorHandler(handler: ErrorHandler): () => void {
    return this.#parts.errors.add(handler);
  }

  /** Sends a message; resolves when the relay has it on its disk. @throws {@link HasheeError} */
  send(conversationId: string, payload: KnownPayload): Promise<SendReceipt> {
    return this.#parts.sender.send(conversationId, payload);
  }

  /** Shows that an answer is being written, until something is said or two minutes pass. */
  async typing(conversationId: string): Promise<void> {
    this.#parts.typing.start(conversationOf(conversationId));
  }

  async stopTyping(conversationId: string): Promise<void> {
    this.#parts.typing.stop(conversationOf(conversationId));
  }

  /** Begins an answer that appears while it is made. Nothing is sent before its first piece. */
  createStreamSession(conversationId: string): ReplyStream {
    const { clock, endpoint, sender, typing } = this.#parts;
    const id = conversationOf(conversationId);
    let startedAt = clock.now();
    return createReplyStream({
      open: async () => (await endpoint).openStream(id),
      sendWhole: (payload) => sender.send(id, payload),
      onFirstDelta: () => {
        startedAt = clock.now();
        typing.settle(id);
      },
      onDone: (message) => sender.sent(message, startedAt),
    });
  }

  /** Sends a card. Its id is filled in; a fresh card has revision 0. @throws {@link HasheeError} */
  sendArtifact(
    conversationId: string,
    {
      artifact,
      attachments,
    }: { readonly artifact: Artifact; readonly attachments?: readonly Attachment[] },
  ): Promise<ArtifactReceipt> {
    return this.#parts.artifacts.send(conversationOf(conversationId), artifact, attachments);
  }

  /** Uploads pictures, films or sounds and shows them in one card. @throws {@link HasheeError} */
  sendMedia(conversationId: string, media: MediaInput): Promise<ArtifactReceipt> {
    return sendMedia(this.#parts, conversationOf(conversationId), media);
  }

  /** Changes a card: an object as it stands, or a function that is asked again after a conflict. @throws {@link HasheeError} */
  updateArtifact(conversationId: string, update: ArtifactUpdateInput): Promise<ArtifactReceipt> {
    return this.#parts.artifacts.update(conversationOf(conversationId), update);
  }

  /** The next good answer to a card, or null after `timeoutMs`. It does not wait behind a handler that runs. */
  nextAnswer(
    conversationId: string,
    artifactId: string,
    { timeoutMs = ANSWER_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
  ): Promise<ArtifactResponseEvent | null> {
    return this.#parts.questions.wait(conversationOf(conversationId), artifactId, timeoutMs);
  }

  /** Sends a form and waits for its answer, checked field by field; null when none came in time. */
  async ask(
    conversationId: string,
    { title, ...form }: FormCard & { readonly title: string },
    options?: { readonly timeoutMs?: number },
  ): Promise<ArtifactResponseEvent | null> {
    const artifact: Artifact = { subtype: "form", title, payload: form };
    const { artifact_id } = await this.sendArtifact(conversationId, { artifact });
    return this.nextAnswer(conversationId, artifact_id, options);
  }

  /** Asks for a tool of the person's device and waits for what it gave; the person may say no. @throws {@link HasheeError} */
  callTool(conversationId: string, input: ToolCallInput): Promise<ToolCallResult> {
    const parts = { ...this.#parts, random: systemRandom };
    return callTool(parts, conversationOf(conversationId), input);
  }

  /** Puts a question to the vote: everybody sees the count grow, and the result comes when it has closed. @throws {@link HasheeError} */
  vote(conversationId: string, input: VoteInput): Promise<VoteResult> {
    return holdVote(this.#parts, conversationOf(conversationId), input);
  }

  /**
   * Asks for a decision and waits for it, proven by its signature; null when nobody decided in time: that means no.
   * With a quorum the decision is the one that completed it, or the first denial.
   */
  async approve(
    conversationId: string,
    request: ApprovalRequestInput,
  ): Promise<(ApprovalDecision & { readonly sender_id: string }) | null> {
    const { primitives, clock } = this.#parts;
    const artifact = makeApprovalArtifact(primitives, request, clock.now());
    const { artifact_id } = await this.sendArtifact(conversationId, { artifact });
    const timeoutMs = Date.parse(artifact.expires_at) - clock.now();
    const decided: (ApprovalDecision & { readonly sender_id: string })[] = [];
    const id = conversationOf(conversationId);
    await this.#parts.questions.gather(id, artifact_id, timeoutMs, ({ decision, sender_id }) => {
      if (decision === undefined || decision.quorum?.outcome === "pending") return "more";
      decided.push({ ...decision, sender_id });
      return "enough";
    });
    return decided[0] ?? null;
  }

  /** Takes back an own message within two minutes of its sending. @throws {@link HasheeError} */
  async recallMessage(conversationId: string, messageId: string): Promise<void> {
    const id = parseId<MessageId>(messageId);
    if (id === null) throw new HasheeError("BAD_REQUEST", { params: { path: "message_id" } });
    const endpoint = await this.#parts.endpoint;
    const recalled = await endpoint.recall(conversationOf(conversationId), id);
    if (!recalled.ok) throw errorOfFailure(recalled.failure);
  }

  /**
   * Says all that a group shows of itself: what is left out is gone. It counts where the agent leads the group.
   *
   * @throws {@link HasheeError} `ROLE_REQUIRED` where it does not
   */
  async setGroupProfile(
    conversationId: string,
    profile: { readonly name: string; readonly description?: string; readonly avatar?: FileRef },
  ): Promise<void> {
    const endpoint = await this.#parts.endpoint;
    const id = conversationOf(conversationId);
    const ledger = await endpoint.ledger(id);
    const role = ledger?.members.get(endpoint.accountId)?.role ?? "member";
    if (role === "member") throw new HasheeError("ROLE_REQUIRED");
    const { name, description, avatar } = profile;
    const { conversation_id: _place, ...file } = avatar ?? { conversation_id: "" };
    const sent = await endpoint.send(id, {
      type: "profile",
      name,
      ...(description !== undefined && { description }),
      ...(avatar !== undefined && { avatar: file as Attachment }),
    });
    if (!sent.ok) throw errorOfFailure(sent.failure);
  }

  /**
   * Seals a file, uploads it and, unless `send_as` is null, sends it as a message.
   *
   * @throws {@link HasheeError} `TOO_LARGE` over 100 MiB or the day's quota, `NOT_CONVERSATION_MEMBER_UPLOAD`, after the SDK's own tries
   */
  uploadFile(conversationId: string, file: FileUpload): Promise<UploadReceipt> {
    return this.#parts.files.upload(conversationOf(conversationId), file);
  }

  /**
   * The plaintext of a received file. All of it is fetched to a temporary file and its hash checked before the first
   * piece comes; a file that is not what its message says errors the stream with `DECRYPT_FAILED` and is told to
   * `decryptFailureHandler`.
   *
   * ```ts
   * for (const file of msg.attachments ?? []) await pipeline(agent.streamAttachment(file), createWriteStream("copy"));
   * ```
   */
  streamAttachment(file: FileRef): ReadableStream<Uint8Array> {
    return this.#parts.files.stream(file);
  }

  /** Address of the relay. */
  get baseUrl(): string {
    return this.#parts.baseUrl;
  }

  /** The agent as others see it: name, description, manifest. @throws {@link HasheeError} */
  profile(): Promise<AgentProfile> {
    return this.#parts.reading.profile(this.agentId);
  }

  /** All conversations the agent is in, newest first, with the name of the other side. @throws {@link HasheeError} */
  conversations(): Promise<readonly ConversationSummary[]> {
    return this.#parts.reading.conversations();
  }

  /**
   * A page of the conversations the agent is in, newest first; for an agent of thousands, to whom a name each is many
   * questions. What is said in one while the pages are read brings it up: it may be missing further down.
   *
   * Shapes: `after` the `next` of the page before; `limit` at most 200, 50 unless said otherwise.
   * @throws {@link HasheeError}
   */
  conversationsPage(
    range: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<ConversationsPage> {
    return this.#parts.reading.conversationsPage(range);
  }

  /**
   * A page of messages before the entry `before`, by default the newest. Reads what the keys at hand still open;
   * acknowledges nothing, and runs no handler.
   *
   * Shapes: `before` a `conversation_seq`; `limit` at most 200 entries.
   * @throws {@link HasheeError}
   */
  history(
    conversationId: string,
    range: { readonly before?: number; readonly limit?: number } = {},
  ): Promise<HistoryPage> {
    return this.#parts.reading.history(conversationOf(conversationId), range);
  }

  /**
   * Takes what the relay posts to an agent of mode `webhook`; `webhookHandler` is this for Node's HTTP server.
   *
   * @throws {@link HasheeError} `BAD_REQUEST` for a secret that is none, or an agent with a line
   */
  webhookReceiver(secret: string): WebhookReceiver {
    const { primitives, clock, agentId, restLine: line } = this.#parts;
    if (line === null)
      throw new HasheeError("BAD_REQUEST", {
        message: "Only an agent of connection mode webhook takes webhooks.",
        params: { path: "connectionMode" },
        fatal: true,
      });
    return createWebhookReceiver({ primitives, clock, agentId, secret, line });
  }

  /** Small texts of the program's own, sealed and kept with the agent's keys; in memory where nothing is kept. */
  get notes(): AgentNotes {
    return this.#parts.disk.notes;
  }

  /** The measures a monitor wants. */
  metrics(): Metrics {
    return this.#parts.metrics.read();
  }

  /** Takes nothing more on, lets handlers and sends end for at most ten seconds, and leaves. */
  close(): Promise<void> {
    return (this.#closing ??= this.#parts.close(DRAIN_MS));
  }

  /** @deprecated Use {@link HasheeAgent.addMessageHandler}. */
  onMessage(handler: MessageHandler): () => void {
    return this.addMessageHandler(handler);
  }
  /** @deprecated Use {@link HasheeAgent.addEventHandler}. */
  onEvent(handler: EventHandler): () => void {
    return this.addEventHandler(handler);
  }
  /** @deprecated Use {@link HasheeAgent.addStatusHandler}. */
  onStatusChange(handler: StatusHandler): () => void {
    return this.addStatusHandler(handler);
  }
  /** @deprecated Use {@link HasheeAgent.close}. */
  disconnect(): Promise<void> {
    return this.close();
  }
  /** @deprecated Use {@link HasheeAgent.createStreamSession}. */
  stream(conversationId: string): ReplyStream {
    return this.createStreamSession(conversationId);
  }
}

/** The same as {@link HasheeAgent.init}. */
export const createAgent = (options?: AgentOptions): Promise<HasheeAgent> =>
  HasheeAgent.init(options);
