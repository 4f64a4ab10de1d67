/** Builds an agent's parts and connects them: what touches what, and in which order things start and end. */
import { bytesToBase64Url } from "#base/base64.ts";
import { systemClock, type Clock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { fingerprint } from "#crypto/identity.ts";
import { createPrimitives, type Primitives } from "#crypto/primitives.ts";
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import { createFileTransfer } from "#peer/file-transfer.ts";
import type { AgentId } from "#protocol/ids.ts";
import { HasheeError } from "./agent-error.ts";
import { createArtifactSender, type ArtifactSender } from "./artifacts/artifact-sender.ts";
import { createQuestions, type Questions } from "./artifacts/questions.ts";
import { createAgentFiles, type AgentFiles } from "./files/agent-files.ts";
import { nodeFileLine } from "./files/node-file-line.ts";
import { createHandlers, type Handlers } from "./incoming/handlers.ts";
import { createLanes } from "./incoming/lanes.ts";
import { startReceiving } from "./incoming/receive.ts";
import type { StatusBoard } from "./line/connection-status.ts";
import { createErrorBoard, type ErrorBoard } from "./line/error-board.ts";
import { createLineWatch } from "./line/line-watch.ts";
import { openNodeSocket } from "./line/node-socket.ts";
import type { RestLine } from "./line/rest-line.ts";
import { registerLive } from "./live-agents.ts";
import { openDisk } from "./local/disk.ts";
import { createMetricsRecorder, type MetricsRecorder } from "./metrics.ts";
import type { DecryptFailure, SettledOptions } from "./options.ts";
import { conversationOf, createSender, type Sender } from "./outgoing/sender.ts";
import { createTypingRenewal, type TypingRenewal } from "./outgoing/typing-renewal.ts";
import { createReading, type Reading } from "./reading/reading.ts";
import { accessOf, connect, createReader, identityOf, pollFor, restLineOf } from "./relay-side.ts";

export type AgentParts = {
  readonly agentId: AgentId;
  readonly baseUrl: string;
  readonly fingerprint: string;
  readonly primitives: Primitives;
  readonly clock: Clock;
  /** Rejects when the agent can never connect, or was closed before it did. */
  readonly endpoint: Promise<PeerEndpoint>;
  readonly handlers: Handlers;
  readonly statuses: StatusBoard;
  readonly errors: ErrorBoard;
  readonly sender: Sender;
  readonly typing: TypingRenewal;
  readonly artifacts: ArtifactSender;
  readonly questions: Questions;
  readonly files: AgentFiles;
  readonly reading: Reading;
  /** Where webhooks are handed in; null for an agent with a line. */
  readonly restLine: RestLine | null;
  readonly metrics: MetricsRecorder;
  /** Resolves when the first attempt to connect has succeeded or failed, or after `limitMs`. */
  firstAttempt(limitMs: number): Promise<void>;
  close(drainMs: number): Promise<void>;
};

/** Conversations whose handlers may run at once. */
const CONVERSATIONS_AT_ONCE = 16;

const clock = systemClock;
const random = systemRandom;
const printLine = (line: string): void => void process.stderr.write(`${line}\n`);

/** Builds and starts an agent. `asGuest`: beside the agent's own processes, leaving its prekeys alone. */
export async function assembleAgent(
  options: SettledOptions,
  { asGuest = false }: { readonly asGuest?: boolean } = {},
): Promise<AgentParts> {
  const primitives = await createPrimitives({ random });
  const disk = await openDisk(options, primitives);
  const identity = identityOf(options.agentId, disk.keys, primitives);
  const agent = {
    accountId: options.agentId,
    fingerprint: fingerprint(primitives, options.agentId, identity.identityKey),
  };

  const errors = createErrorBoard(clock, printLine);
  const metrics = createMetricsRecorder();
  const lanes = createLanes(CONVERSATIONS_AT_ONCE);
  const handlers = createHandlers(errors, () => lanes.open());
  const watch = createLineWatch({ clock, errors, metrics, dedupe: disk.dedupe, print: printLine });
  const questions = createQuestions(clock);
  const closing = new AbortController();

  const tellDecryptFailure = async (failure: DecryptFailure): Promise<void> => {
    try {
      await options.decryptFailureHandler?.(failure);
    } catch (cause) {
      errors.tell(new HasheeError("HANDLER_FAILED", { cause }));
    }
  };

  const restLine = options.connectionMode === "websocket" ? null : restLineOf(options);
  let live: PeerEndpoint | null = null;
  const access = accessOf(options);
  const reach = { options, access, primitives, disk, identity };
  const endpoint = connect({
    ...reach,
    watch,
    asGuest,
    openSocket: restLine?.open ?? openNodeSocket,
    signal: closing.signal,
  });
  const typing = createTypingRenewal(clock, (id, shown) => live?.typing(conversationOf(id), shown));
  const sender = createSender({ endpoint, clock, metrics, onSend: typing.settle });
  const artifacts = createArtifactSender({ store: disk.store, clock, random, send: sender.send });
  const { agentId } = options;
  const files = createAgentFiles({
    transfer: createFileTransfer({ ...access, primitives, line: nodeFileLine, agentId }),
    clock,
    random,
    send: sender.send,
    decryptFailed(failure) {
      metrics.decryptFailed(failure.reason);
      void tellDecryptFailure(failure);
    },
  });
  const begun = endpoint.then(async (endpoint) => {
    live = endpoint;
    const parts = { endpoint, primitives, clock, disk, agent, handlers, lanes, questions };
    await startReceiving({
      ...parts,
      artifacts,
      sender,
      metrics,
      watch,
      errors,
      decryptFailed: tellDecryptFailure,
    });
    endpoint.start();
    if (options.connectionMode === "polling" && restLine !== null)
      pollFor(options, restLine, closing.signal).catch(watch.gaveUp);
  });
  begun.catch((cause: unknown) => {
    if (!closing.signal.aborted) watch.gaveUp(cause);
  });
  const forget = asGuest ? () => {} : registerLive(options.agentId, sender);

  return {
    agentId: options.agentId,
    baseUrl: options.baseUrl,
    fingerprint: bytesToBase64Url(agent.fingerprint),
    primitives,
    clock,
    endpoint,
    handlers,
    statuses: watch.statuses,
    errors,
    sender,
    typing,
    artifacts,
    questions,
    files,
    reading: createReading(access.rest, () => createReader(reach), disk.store),
    restLine,
    metrics,
    firstAttempt: (limitMs) => Promise.race([watch.attempted, pause(limitMs)]),
    async close(drainMs) {
      const endAt = clock.now() + drainMs;
      forget();
      lanes.stop();
      await Promise.race([lanes.idle(), pause(drainMs)]);
      typing.dispose();
      questions.dispose();
      closing.abort();
      await begun.catch(() => undefined);
      await live?.close(Math.max(0, endAt - clock.now()));
      await disk.close();
    },
  };
}

const pause = (delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
