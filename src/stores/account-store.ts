import { createStore, type StoreApi } from "zustand/vanilla";
import { ok, type Result } from "#base/result.ts";
import type { AccountMark } from "./account-mark.ts";
import type { Engine } from "./engine.ts";
import type { AccountView, BridgeFailure } from "./views.ts";

/** Which door of the app is open; `loading` until the worker said so for the first time. */
export type AccountState = {
  readonly account: AccountView | { readonly status: "loading" };
  readonly loadFailure: BridgeFailure | null;
  /** There was an account in this browser, and the browser lost it. */
  readonly isLost: boolean;
  /** The person means to start with nothing. */
  beginAnew(): void;
  load(): Promise<void>;
  create(input: NewAccount): Promise<Outcome>;
  signIn(input: { readonly handle: string; readonly password: string }): Promise<Outcome>;
  restore(input: { readonly file: string; readonly code: string }): Promise<Outcome>;
  unlock(password: string): Promise<Outcome>;
  lock(): Promise<Outcome>;
  wipe(): Promise<Outcome>;
  setPassword(input: { readonly current: string | null; readonly next: string }): Promise<Outcome>;
  enterPassword(password: string): Promise<Outcome>;
  setDisplayName(displayName: string): Promise<Outcome>;
};
export type NewAccount = {
  readonly displayName: string;
  readonly handle: string | null;
  readonly password: string | null;
};
export type Outcome = Result<null, BridgeFailure>;
export type AccountStore = StoreApi<AccountState>;

/** Creates the store of the account on this device. */
export function createAccountStore({ calls, onEvent }: Engine, mark: AccountMark): AccountStore {
  const store = createStore<AccountState>((set) => {
    const keep = (answer: Result<AccountView, BridgeFailure>): Outcome => {
      if (!answer.ok) return answer;
      set(taken(answer.value, mark));
      return ok(null);
    };
    return {
      account: { status: "loading" },
      loadFailure: null,
      isLost: false,
      beginAnew() {
        mark.clear();
        set({ isLost: false });
      },
      async load() {
        const outcome = keep(await calls.loadAccount());
        if (outcome.ok) return;
        const { failure } = outcome;
        // Without its disk an account that was open is open no longer.
        const hasNoDisk = failure.kind.startsWith("engine/store-");
        set({ loadFailure: failure, ...(hasNoDisk && { account: { status: "loading" } }) });
      },
      create: async (input) => keep(await calls.createAccount(input)),
      signIn: async (input) => keep(await calls.signIn(input)),
      restore: async (input) => keep(await calls.restoreAccount(input)),
      unlock: async (password) => keep(await calls.unlock({ password })),
      lock: () => calls.lock(),
      async wipe() {
        // Before the worker says that there is none, or every tab would take it for a loss.
        mark.clear();
        const answer = await calls.wipe();
        if (answer.ok) set({ account: { status: "none" }, isLost: false });
        else mark.set();
        return answer;
      },
      setPassword: (input) => calls.setPassword(input),
      enterPassword: (password) => calls.enterPassword({ password }),
      setDisplayName: async (displayName) => keep(await calls.setDisplayName({ displayName })),
    };
  });
  onEvent((event) => {
    if (event.type === "account") store.setState(taken(event.account, mark));
  });
  return store;
}

/** What the worker says of the account; none where there was one means that the browser lost it. */
function taken(account: AccountView, mark: AccountMark): Partial<AccountState> {
  if (account.status !== "none") mark.set();
  return { account, loadFailure: null, isLost: account.status === "none" && mark.isSet() };
}

/** The account while it is open, else null. */
export const selectOpenAccount = ({ account }: AccountState) =>
  account.status === "open" ? account : null;
