/** Builds an agent's parts and connects them: what touches what, and in which order things start and end. */
import { bytesToBase64Url } from "#base/base64.ts";
import { systemClock, type Clock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { fingerprint, makeSigner } from "#crypto/identity.ts";
import { createPrimitives, type Primitives } from "#crypto/primitives.ts";
import { agentTokens } from "#peer/accounts.ts";
import { createEndpoint, type EndpointIdentity, type PeerEndpoint } from "#peer/create-endpoint.ts";
import { createFileTransfer } from "#peer/file-transfer.ts";
import { createRest, type Fetch } from "#peer/rest.ts";
import type { OpenSocket } from "#peer/socket.ts";
import type { AgentId, DeviceId } from "#protocol/ids.ts";
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
import { createLineWatch, type LineWatch } from "./line/line-watch.ts";
import { openNodeSocket } from "./line/node-socket.ts";
import { createRestLine, type RestLine } from "./line/rest-line.ts";
import { createForeignVault, mayOfferPrekeys, register } from "./line/register.ts";
import { registerLive } from "./live-agents.ts";
import { openDisk, type Disk } from "./local/disk.ts";
import { createMetricsRecorder, type MetricsRecorder } from "./metrics.ts";
import { callRest } from "./rest-call.ts";
import type { DecryptFailure, RawKeys, SettledOptions } from "./options.ts";
import { conversationOf, createSender, type Sender } from "./outgoing/sender.ts";
import { createTypingRenewal, type TypingRenewal } from "./outgoing/typing-renewal.ts";

export type AgentParts = {
  readonly agentId: AgentId;
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
const systemFetch: Fetch = (url, request) => fetch(url, request);
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
  const endpoint = connect({
    options,
    primitives,
    disk,
    identity,
    watch,
    asGuest,
    openSocket: restLine?.open ?? openNodeSocket,
    signal: closing.signal,
  });
  const typing = createTypingRenewal(clock, (id, shown) => live?.typing(conversationOf(id), shown));
  const sender = createSender({ endpoint, clock, metrics, onSend: typing.settle });
  const artifacts = createArtifactSender({ store: disk.store, clock, random, send: sender.send });
  const tokens = agentTokens(options.token.reveal());
  const { agentId, baseUrl } = options;
  const rest = createRest({ fetch: systemFetch, clock, baseUrl, tokens });
  const transfer = { primitives, rest, tokens, line: nodeFileLine, baseUrl, agentId };
  const files = createAgentFiles({
    transfer: createFileTransfer(transfer),
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
  });
  begun.catch((cause: unknown) => {
    if (!closing.signal.aborted) watch.gaveUp(cause);
  });
  const forget = asGuest ? () => {} : registerLive(options.agentId, sender);

  return {
    agentId: options.agentId,
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

async function connect(parts: {
  readonly options: SettledOptions;
  readonly primitives: Primitives;
  readonly disk: Disk;
  readonly identity: EndpointIdentity;
  readonly watch: LineWatch;
  readonly asGuest: boolean;
  readonly openSocket: OpenSocket;
  readonly signal: AbortSignal;
}): Promise<PeerEndpoint> {
  const { options, primitives, disk, identity } = parts;
  const { agentId, baseUrl } = options;
  const tokens = agentTokens(options.token.reveal());
  const rest = createRest({ fetch: systemFetch, clock, baseUrl, tokens });
  await register({
    ...parts,
    rest,
    clock,
    random,
    agentId,
    identity: identity.signer,
    mode: options.connectionMode === "webhook" && !parts.asGuest ? "envelope" : "session",
    bootstrapPublicKey: primitives.x25519PublicKey(disk.keys.privateKey.reveal()),
  });
  const isOurs = disk.vault !== null && (await mayOfferPrekeys(rest, agentId, disk.vault));
  return createEndpoint({
    primitives,
    clock,
    random,
    log: silentLog,
    store: disk.store,
    openSocket: parts.openSocket,
    fetch: systemFetch,
    baseUrl,
    tokens,
    identity,
    vault: parts.asGuest ? createForeignVault() : isOurs ? disk.vault : null,
    keepLog: false,
    acknowledge: "by-caller",
  });
}

const restLineOf = ({ agentId, baseUrl, token }: SettledOptions): RestLine =>
  createRestLine({
    agentId,
    call: (method, path, body) =>
      callRest(
        { method, baseUrl, path, token: token.reveal(), body },
        { fetch: systemFetch, clock, random },
      ),
  });

function identityOf(agentId: AgentId, keys: RawKeys, p: Primitives): EndpointIdentity {
  const signer = makeSigner(p, keys.signingPrivateKey);
  return {
    accountId: agentId,
    // All processes of an agent are one device, named like the agent.
    deviceId: agentId as string as DeviceId,
    kind: "agent",
    signer,
    identityKey: signer.publicKey,
    bootstrapKey: keys.privateKey,
  };
}

const pause = (delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
