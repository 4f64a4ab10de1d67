import { createStore, type StoreApi } from "zustand/vanilla";
import type { AccountStore, Outcome } from "./account-store.ts";
import type { Engine } from "./engine.ts";
import type { InviteView } from "./views.ts";

/**
 * The first minutes: a name, a password or "later", a first conversation.
 * The account is open from the third step on; `step` stays until the person is through.
 */
export type OnboardingState = {
  readonly step: "idle" | "name" | "password" | "first-conversation";
  readonly displayName: string;
  readonly offers: readonly InviteView[] | null;
  start(): void;
  back(): void;
  setName(displayName: string): void;
  /** Makes the account; null leaves the password for later. */
  finishAccount(password: string | null): Promise<Outcome>;
  loadOffers(): Promise<void>;
  finish(): void;
};
export type OnboardingStore = StoreApi<OnboardingState>;

/** Creates the store of the first steps. */
export function createOnboardingStore({ calls }: Engine, account: AccountStore): OnboardingStore {
  return createStore<OnboardingState>((set, get) => ({
    step: "idle",
    displayName: "",
    offers: null,
    start: () => set({ step: "name" }),
    back: () => set(({ step }) => ({ step: step === "password" ? "name" : step })),
    setName: (displayName) => set({ displayName, step: "password" }),
    async finishAccount(password) {
      const input = { displayName: get().displayName, handle: null, password };
      const outcome = await account.getState().create(input);
      if (outcome.ok) set({ step: "first-conversation" });
      return outcome;
    },
    async loadOffers() {
      const answer = await calls.listOfferedInvites();
      set({ offers: answer.ok ? answer.value : [] });
    },
    finish: () => set({ step: "idle" }),
  }));
}
