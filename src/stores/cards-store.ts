import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "#base/clock.ts";
import type { Result } from "#base/result.ts";
import type { Engine, Progress } from "./engine.ts";
import type { ArtifactId, BridgeFailure, ConversationId } from "./views.ts";

type CardAddress = { readonly conversationId: ConversationId; readonly artifactId: ArtifactId };
type Values = Readonly<Record<string, unknown>>;

/** What a person is filling in or deciding on cards. */
export type CardsState = {
  /** Values that differ from what the worker last told; they win over its copy. */
  readonly valuesById: Readonly<Record<ArtifactId, Values>>;
  readonly progressById: Readonly<Record<ArtifactId, Progress<BridgeFailure>>>;
  /** Settles with true when the values are kept on this device, with false when later ones took their place. */
  fill(card: CardAddress, values: Values): Promise<boolean>;
  answer(card: CardAddress, actionId: string, values: Values): Promise<boolean>;
  /** `despiteUnverified`: the person was told that keys were not compared, and decides all the same. */
  decide(
    card: CardAddress,
    optionId: string,
    reason: string,
    despiteUnverified: boolean,
  ): Promise<boolean>;
  flush(): Promise<boolean>;
};
export type CardsStore = StoreApi<CardsState>;

const SAVE_PAUSE_MS = 400;
const IDLE = { status: "idle" } as const;
const NOBODY_WAITS = { stop: () => {}, settle: () => {} } as const;

export const selectCardProgress =
  (artifactId: ArtifactId) =>
  ({ progressById }: CardsState): Progress<BridgeFailure> =>
    progressById[artifactId] ?? IDLE;

/** Creates the store of form drafts and of answers on their way to the worker. */
export function createCardsStore({ calls }: Engine, clock: Clock): CardsStore {
  const waiting = new Map<
    ArtifactId,
    {
      readonly card: CardAddress;
      readonly stop: () => void;
      readonly settle: (isKept: boolean) => void;
    }
  >();
  return createStore<CardsState>((set, get) => {
    const save = async ({ conversationId, artifactId }: CardAddress): Promise<boolean> => {
      const { stop, settle } = waiting.get(artifactId) ?? NOBODY_WAITS;
      waiting.delete(artifactId);
      stop();
      const values = get().valuesById[artifactId];
      if (values === undefined) {
        settle(false);
        return true;
      }
      const saved = await calls.saveFormDraft({ conversationId, artifactId, values });
      settle(saved.ok && get().valuesById[artifactId] === values);
      return saved.ok;
    };
    const forget = (artifactId: ArtifactId): void => {
      const { stop, settle } = waiting.get(artifactId) ?? NOBODY_WAITS;
      waiting.delete(artifactId);
      stop();
      settle(false);
    };
    const submit = async (
      { artifactId }: CardAddress,
      call: () => Promise<Result<null, BridgeFailure>>,
    ): Promise<boolean> => {
      const tell = (progress: Progress<BridgeFailure>): void =>
        set(({ progressById }) => ({ progressById: { ...progressById, [artifactId]: progress } }));
      if (get().progressById[artifactId]?.status === "busy") return false;
      tell({ status: "busy" });
      const answer = await call();
      tell(answer.ok ? IDLE : { status: "failed", failure: answer.failure });
      return answer.ok;
    };
    return {
      valuesById: {},
      progressById: {},
      fill(card, values) {
        set(({ valuesById }) => ({ valuesById: { ...valuesById, [card.artifactId]: values } }));
        forget(card.artifactId);
        return new Promise((settle) => {
          const stop = clock.after(SAVE_PAUSE_MS, () => void save(card));
          waiting.set(card.artifactId, { card, stop, settle });
        });
      },
      async answer(card, actionId, values) {
        const isSent = await submit(card, () =>
          calls.answerArtifact({ ...card, actionId, values }),
        );
        if (!isSent) return false;
        forget(card.artifactId);
        set(({ valuesById: { [card.artifactId]: _sent, ...valuesById } }) => ({ valuesById }));
        return true;
      },
      decide: (card, optionId, reason, despiteUnverified) =>
        submit(card, () => calls.decideApproval({ ...card, optionId, reason, despiteUnverified })),
      flush: async () => {
        const kept = await Promise.all([...waiting.values()].map(({ card }) => save(card)));
        return kept.every(Boolean);
      },
    };
  });
}
