/** Connects an endpoint's events with the program's handlers. */
import type { Bytes } from "#base/bytes.ts";
import type { Clock } from "#base/clock.ts";
import type { Primitives } from "#crypto/primitives.ts";
import type { PeerEndpoint } from "#peer/create-endpoint.ts";
import type { EndpointEvent, Entry } from "#peer/endpoint.ts";
import type { AgentId } from "#protocol/ids.ts";
import { HasheeError } from "../agent-error.ts";
import { createAnswerCheck, isAnswerEntry } from "../artifacts/answers.ts";
import type { ArtifactSender } from "../artifacts/artifact-sender.ts";
import type { Questions } from "../artifacts/questions.ts";
import type { ErrorBoard } from "../line/error-board.ts";
import type { LineWatch } from "../line/line-watch.ts";
import type { Disk } from "../local/disk.ts";
import type { MetricsRecorder } from "../metrics.ts";
import type { DecryptFailure } from "../options.ts";
import type { Sender } from "../outgoing/sender.ts";
import type { CapabilityEvent } from "./agent-event.ts";
import { createDeliver } from "./deliver.ts";
import type { Handlers } from "./handlers.ts";
import { createIntake } from "./intake.ts";
import type { Lanes } from "./lanes.ts";
import { createNames } from "./names.ts";

/** Hears everything the endpoint tells from now on, and first what an earlier process left unfinished. */
export async function startReceiving(parts: {
  readonly endpoint: PeerEndpoint;
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly agent: { readonly accountId: AgentId; readonly fingerprint: Bytes };
  readonly handlers: Handlers;
  readonly lanes: Lanes;
  readonly questions: Questions;
  readonly artifacts: ArtifactSender;
  readonly sender: Sender;
  readonly metrics: MetricsRecorder;
  readonly watch: LineWatch;
  readonly errors: ErrorBoard;
  readonly decryptFailed: (failure: DecryptFailure) => Promise<void>;
}): Promise<void> {
  const { endpoint, lanes, questions, artifacts, errors, disk } = parts;
  const checkAnswer = createAnswerCheck({
    ...parts,
    cardKey: disk.keys.privateKey,
    sender: artifacts,
    dedupe: disk.dedupe,
    send: parts.sender.send,
  });
  const deliver = createDeliver({
    ...parts,
    names: createNames(disk.store, endpoint.rest),
    checkAnswer,
    isExactlyOnce: parts.watch.isExactlyOnce,
  });
  const intake = createIntake({
    lanes,
    dedupe: disk.dedupe,
    acknowledge: (conversationId, seq) => endpoint.acknowledge(conversationId, seq),
    deliver: (entry, delivery) => deliver(entry, delivery).catch(told(errors, "HANDLER_FAILED")),
    isAwaited: (entry) =>
      isAnswerEntry(entry) &&
      questions.isAsked(entry.conversationId, entry.content.payload.ref_artifact),
    failed: told(errors, "STORAGE_FULL"),
  });

  const hearOwn = async (entry: Entry): Promise<void> => {
    const { content, conversationId, seq } = entry;
    if (content.kind === "message" && content.payload.type === "artifact") {
      const id = content.payload.artifact.artifact_id ?? "";
      await artifacts.placed(conversationId, id, content.plaintextHash);
    }
    lanes.add(conversationId, async () => endpoint.acknowledge(conversationId, seq));
  };

  const takeOver = (): Promise<void> => intake.recover().catch(told(errors, "STORAGE_FULL"));
  let stopTakingOver = (): void => {};
  endpoint.on((event) => {
    parts.watch.hear(event);
    if (event.type === "status" && event.status.status === "stopped") stopTakingOver();
    if (event.type === "scopes-granted") void parts.handlers.event(capabilityEvent(event));
    if (event.type !== "entry") return;
    if (event.entry.authorId !== parts.agent.accountId || event.entry.authorKind === "system")
      intake.hear(event.entry);
    else hearOwn(event.entry).catch(told(errors, "STORAGE_FULL"));
  });
  await intake.recover();
  stopTakingOver = repeat(parts.clock, TAKE_OVER_EVERY_MS, takeOver);
}

/** A process that runs beside this one may die with work in its hands: nobody waits longer for it. */
const TAKE_OVER_EVERY_MS = 2_000;

function repeat(clock: Clock, everyMs: number, task: () => Promise<void>): () => void {
  let cancel = (): void => {};
  const again = (): void => {
    cancel = clock.after(everyMs, () => {
      again();
      void task();
    });
  };
  again();
  return () => cancel();
}

const capabilityEvent = (
  granted: Extract<EndpointEvent, { readonly type: "scopes-granted" }>,
): CapabilityEvent => ({
  type: "agent.capability_changed",
  user_id: granted.accountId,
  relation_id: granted.relationId,
  accepted: granted.isAll,
  granted_scopes: granted.scopes,
  capability_manifest_version: granted.manifestVersion,
});

const told =
  (errors: ErrorBoard, code: string) =>
  (cause: unknown): void =>
    errors.tell(cause instanceof HasheeError ? cause : new HasheeError(code, { cause }));
