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
import { openDisk, type Disk } from "./local/disk.ts";
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
  readonly disk: Pick<Disk, "notes">;
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
  const own = await assembleOwn(options, asGuest);
  const { disk, reach, watch, metrics, lanes, questions } = own;
  const closing = new AbortController();
  const restLine = options.connectionMode === "websocket" ? null : restLineOf(options);
  const openSocket = restLine?.open ?? openNodeSocket;
  const endpoint = connect({
    ...reach,
    watch,
    asGuest,
    openSocket,
    onPutAway: (conversationId) => restLine?.forget(conversationId),
    signal: closing.signal,
  });

  let live: PeerEndpoint | null = null;
  const typing = createTypingRenewal(clock, (id, shown) => live?.typing(conversationOf(id), shown));
  const sender = createSender({ endpoint, clock, metrics, onSend: typing.settle });
  const artifacts = createArtifactSender({ store: disk.store, clock, random, send: sender.send });
  const begun = endpoint.then(async (made) => {
    live = made;
    await startReceiving({ ...own, endpoint: made, clock, artifacts, sender });
    made.start();
    if (options.connectionMode === "polling" && restLine !== null)
      pollFor(options, restLine, closing.signal).catch(watch.gaveUp);
  });
  begun.catch((cause: unknown) => {
    if (!closing.signal.aborted) watch.gaveUp(cause);
  });
  const forget = asGuest ? () => {} : registerLive(options.agentId, sender);

  return {
    ...own,
    agentId: options.agentId,
    baseUrl: options.baseUrl,
    fingerprint: bytesToBase64Url(own.agent.fingerprint),
    clock,
    endpoint,
    statuses: watch.statuses,
    sender,
    typing,
    artifacts,
    files: filesOf(own, sender),
    reading: createReading(reach.access.rest, () => createReader(reach), disk.store),
    restLine,
    firstAttempt: (limitMs) => within(limitMs, watch.attempted),
    async close(drainMs) {
      const endAt = clock.now() + drainMs;
      forget();
      lanes.stop();
      await within(drainMs, lanes.idle());
      typing.dispose();
      questions.dispose();
      closing.abort();
      await begun.catch(() => undefined);
      await live?.close(Math.max(0, endAt - clock.now()));
      await disk.close();
    },
  };
}

type OwnParts = Awaited<ReturnType<typeof assembleOwn>>;

/** What an agent has before it knows of any relay. */
async function assembleOwn(options: SettledOptions, asGuest: boolean) {
  const primitives = await createPrimitives({
    random,
    ...(options.crypto === "noble" && { force: "noble" }),
  });
  const disk = await openDisk(options, primitives);
  const identity = identityOf(options.agentId, disk.keys, primitives);
  const errors = createErrorBoard(clock, printLine);
  const metrics = createMetricsRecorder();
  const lanes = createLanes(CONVERSATIONS_AT_ONCE);
  return {
    primitives,
    disk,
    reach: { options, access: accessOf(options), primitives, disk, identity },
    agent: {
      accountId: options.agentId,
      fingerprint: fingerprint(primitives, options.agentId, identity.identityKey),
    },
    errors,
    metrics,
    lanes,
    handlers: createHandlers(errors, () => lanes.open()),
    watch: createLineWatch({
      clock,
      errors,
      metrics,
      dedupe: disk.dedupe,
      asGuest,
      print: printLine,
    }),
    questions: createQuestions(clock),
    decryptFailed: async (failure: DecryptFailure): Promise<void> => {
      try {
        await options.decryptFailureHandler?.(failure);
      } catch (cause) {
        errors.tell(new HasheeError("HANDLER_FAILED", { cause }));
      }
    },
  };
}

const filesOf = ({ primitives, reach, agent, metrics, decryptFailed }: OwnParts, sender: Sender) =>
  createAgentFiles({
    transfer: createFileTransfer({
      ...reach.access,
      primitives,
      line: nodeFileLine,
      agentId: agent.accountId,
    }),
    clock,
    random,
    send: sender.send,
    decryptFailed(failure) {
      metrics.decryptFailed(failure.reason);
      void decryptFailed(failure);
    },
  });

/** Resolves with the task or with the time, whichever comes first, and leaves no timer that keeps a process alive. */
const within = (limitMs: number, task: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const cancel = clock.after(limitMs, resolve);
    void task.finally(() => {
      cancel();
      resolve();
    });
  });
