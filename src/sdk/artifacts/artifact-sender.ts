/** Sends cards and changes them, keeping each card's newest revision beside the message that carries it. SPEC §cards. */
import type { Clock } from "#base/clock.ts";
import { createKeyedQueue } from "#base/queue.ts";
import type { RandomBytes } from "#base/random.ts";
import type { SendOptions } from "#peer/endpoint.ts";
import type { Batch, Store } from "#peer/store.ts";
import { applyUpdate, parseCard, type Artifact, type ArtifactUpdate } from "#protocol/artifact.ts";
import { makeId, type ArtifactId, type MessageId } from "#protocol/ids.ts";
import { MAX_ARTIFACT_LIFETIME_MS, MAX_ARTIFACT_UPDATES } from "#protocol/limits.ts";
import type { Attachment, KnownPayload } from "#protocol/payload.ts";
import { HasheeError } from "../agent-error.ts";
import type { SendReceipt } from "../outgoing/reply-stream.ts";
import {
  ARTIFACT_TABLE,
  artifactKey,
  bytesToRecord,
  recordToBytes,
  type ArtifactRecord,
} from "./artifact-record.ts";
import type { Verdict } from "./judge-answer.ts";

export type ArtifactReceipt = SendReceipt & {
  readonly artifact_id: string;
  readonly revision: number;
};

/** A change of a card: given keys of the payload replace, `null` deletes. */
export type ArtifactChange = {
  readonly title?: string;
  readonly payload: Readonly<Record<string, unknown>>;
};

export type ArtifactUpdateInput = {
  readonly ref_artifact: string;
  /** Left out: the newest known here. */
  readonly based_on_revision?: number;
  /** A function is given the newest card and asked again, up to three times, when somebody else was faster. */
  readonly artifact: ArtifactChange | ((current: Artifact, revision: number) => ArtifactChange);
};

export interface ArtifactSender {
  /** `attachments`: the files that a card names. */
  send(
    conversationId: string,
    artifact: Artifact,
    attachments?: readonly Attachment[],
  ): Promise<ArtifactReceipt>;
  update(conversationId: string, input: ArtifactUpdateInput): Promise<ArtifactReceipt>;
  find(conversationId: string, artifactId: string): Promise<ArtifactRecord | null>;
  /** The relay has stored a card of ours: what exactly it was sealed as. */
  placed(conversationId: string, artifactId: string, requestHash: string): Promise<void>;
  /** Judges an answer by the card's newest record and keeps what it changes, alone with that card. */
  answer<Other extends { readonly type: string }>(
    conversationId: string,
    artifactId: string,
    judge: (record: ArtifactRecord | null) => Promise<Verdict | Other>,
  ): Promise<Verdict | Other>;
}

const MAX_CONFLICTS = 3;

/** Creates the sender over the agent's store and its way of sending. */
export const createArtifactSender = (parts: Needs): ArtifactSender => new KeptCards(parts);

type Needs = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** @throws {@link HasheeError} */
  readonly send: (
    conversationId: string,
    payload: KnownPayload,
    options: SendOptions,
  ) => Promise<SendReceipt>;
};

class KeptCards implements ArtifactSender {
  readonly #parts: Needs;
  /** Changes of one card go one after the other, so that a process never conflicts with itself. */
  readonly #queue = createKeyedQueue();

  constructor(parts: Needs) {
    this.#parts = parts;
  }

  async send(
    conversationId: string,
    given: Artifact,
    attachments: readonly Attachment[] = [],
  ): Promise<ArtifactReceipt> {
    const now = this.#parts.clock.now();
    const artifact = checkArtifact(given, now, () => this.#newId<ArtifactId>());
    checkFiles(artifact, attachments);
    const messageId = this.#newId<MessageId>();
    const record = { artifact, revision: 0, messageId, requestHash: null, answers: [] };
    const receipt = await this.#parts.send(
      conversationId,
      {
        type: "artifact",
        artifact,
        ...(attachments.length === 0 ? {} : { attachments: [...attachments] }),
      },
      { messageId, guard: guardOf(artifact), alongside: putOf(conversationId, record) },
    );
    return { ...receipt, artifact_id: artifact.artifact_id, revision: 0 };
  }

  update(conversationId: string, input: ArtifactUpdateInput): Promise<ArtifactReceipt> {
    return this.#aloneWith(conversationId, input.ref_artifact, async () => {
      const mayRetry =
        typeof input.artifact === "function" && input.based_on_revision === undefined;
      for (let conflicts = 0; ; conflicts++) {
        const current = await this.find(conversationId, input.ref_artifact);
        if (current === null) throw new HasheeError("NOT_FOUND", UNKNOWN_CARD);
        try {
          return await this.#change(conversationId, current, input);
        } catch (error) {
          if (!mayRetry || conflictOf(error) === null || conflicts >= MAX_CONFLICTS) throw error;
        }
      }
    });
  }

  async find(conversationId: string, artifactId: string): Promise<ArtifactRecord | null> {
    const key = artifactKey(conversationId, artifactId);
    return bytesToRecord(await this.#parts.store.get(ARTIFACT_TABLE, key));
  }

  placed(conversationId: string, artifactId: string, requestHash: string): Promise<void> {
    return this.#aloneWith(conversationId, artifactId, async () => {
      const record = await this.find(conversationId, artifactId);
      if (record !== null) await this.#save(conversationId, { ...record, requestHash });
    });
  }

  answer<Other extends { readonly type: string }>(
    conversationId: string,
    artifactId: string,
    judge: (record: ArtifactRecord | null) => Promise<Verdict | Other>,
  ): Promise<Verdict | Other> {
    return this.#aloneWith(conversationId, artifactId, async () => {
      const verdict = await judge(await this.find(conversationId, artifactId));
      if (isAccepted(verdict)) await this.#save(conversationId, verdict.record);
      return verdict;
    });
  }

  async #change(
    conversationId: string,
    current: ArtifactRecord,
    input: ArtifactUpdateInput,
  ): Promise<ArtifactReceipt> {
    if (current.revision >= MAX_ARTIFACT_UPDATES) throw new HasheeError("ARTIFACT_LIMIT");
    const update = updateOf(current, input);
    const next = applyUpdate(current, update);
    if (!next.ok) throw errorOfUpdate(next.failure);
    const record = { ...current, ...next.value };
    try {
      const receipt = await this.#parts.send(
        conversationId,
        { type: "artifact_update", ...update },
        {
          contentType: "control",
          guard: guardOf(record.artifact, update.based_on_revision),
          alongside: putOf(conversationId, record),
        },
      );
      return { ...receipt, artifact_id: input.ref_artifact, revision: record.revision };
    } catch (error) {
      const revision = conflictOf(error) ?? current.revision;
      await this.#save(conversationId, { ...current, revision });
      throw error;
    }
  }

  async #save(conversationId: string, record: ArtifactRecord): Promise<void> {
    const kept = await this.#parts.store.commit(putOf(conversationId, record));
    if (!kept.ok) throw new HasheeError("STORAGE_FULL", { cause: kept.failure });
  }

  #aloneWith<Value>(
    conversationId: string,
    artifactId: string,
    task: () => Promise<Value>,
  ): Promise<Value> {
    return this.#queue.run(artifactKey(conversationId, artifactId), task);
  }

  #newId<Id extends ArtifactId | MessageId>(): Id {
    return makeId<Id>(this.#parts.clock.now(), this.#parts.random);
  }
}

const putOf = (conversationId: string, record: ArtifactRecord): Batch => ({
  puts: [
    {
      table: ARTIFACT_TABLE,
      key: artifactKey(conversationId, record.artifact.artifact_id ?? ""),
      value: recordToBytes(record),
    },
  ],
});

function updateOf(current: ArtifactRecord, input: ArtifactUpdateInput): ArtifactUpdate {
  const changed =
    typeof input.artifact === "function"
      ? input.artifact(current.artifact, current.revision)
      : input.artifact;
  return {
    ref_artifact: input.ref_artifact,
    based_on_revision: input.based_on_revision ?? current.revision,
    artifact: { ...changed, payload: { ...changed.payload } },
  };
}

const isAccepted = (verdict: {
  readonly type: string;
}): verdict is Extract<Verdict, { readonly type: "accept" }> => verdict.type === "accept";

const UNKNOWN_CARD = { message: "No card with this id was sent from here." };

const guardOf = (
  artifact: Artifact,
  basedOnRevision?: number,
): NonNullable<SendOptions["guard"]> => ({
  artifactId: artifact.artifact_id ?? "",
  ...(basedOnRevision === undefined ? {} : { basedOnRevision }),
  ...(artifact.expires_at === undefined ? {} : { expiresAt: Date.parse(artifact.expires_at) }),
});

function checkArtifact(
  given: Artifact,
  now: number,
  makeArtifactId: () => string,
): Artifact & { readonly artifact_id: string } {
  const card = parseCard(given.subtype, given.payload);
  if (!card.ok && card.failure.kind === "protocol/bad-artifact")
    throw new HasheeError("ARTIFACT_INVALID", { params: { path: card.failure.path } });
  const lifetimeMs = given.expires_at === undefined ? 0 : Date.parse(given.expires_at) - now;
  if (!(lifetimeMs <= MAX_ARTIFACT_LIFETIME_MS))
    throw new HasheeError("ARTIFACT_INVALID", { params: { path: "expires_at" } });
  return { ...given, artifact_id: given.artifact_id ?? makeArtifactId() };
}

/** What a media card shows has to come with it: its keys are nowhere else. */
function checkFiles({ subtype, payload }: Artifact, attachments: readonly Attachment[]): void {
  const card = subtype === "media" ? parseCard(subtype, payload) : null;
  if (card?.ok !== true || card.value.subtype !== "media") return;
  const ids = new Set(attachments.map(({ attachment_id }) => attachment_id));
  const stray = card.value.payload.items.findIndex(({ attachment_id }) => !ids.has(attachment_id));
  if (stray !== -1)
    throw new HasheeError("ARTIFACT_INVALID", { params: { path: `items.${stray}.attachment_id` } });
}

const errorOfUpdate = (failure: {
  readonly kind: string;
  readonly current_revision?: number;
  readonly path?: string;
}): HasheeError =>
  failure.kind === "protocol/revision-conflict"
    ? new HasheeError("REVISION_CONFLICT", {
        params: { current_revision: failure.current_revision },
      })
    : new HasheeError("ARTIFACT_INVALID", { params: { path: failure.path } });

/** The revision the relay has, when an error says that ours is stale. */
function conflictOf(error: unknown): number | null {
  if (!(error instanceof HasheeError) || error.code !== "REVISION_CONFLICT") return null;
  const current = error.params["current_revision"];
  return typeof current === "number" ? current : null;
}
