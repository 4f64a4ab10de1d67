import { createStore, type StoreApi } from "zustand/vanilla";
import { ok, type Result } from "#base/result.ts";
import type { Engine } from "./engine.ts";
import type { AccountView, BridgeFailure } from "./views.ts";

/** Which door of the app is open; `loading` until the worker said so for the first time. */
export type AccountState = {
  readonly account: AccountView | { readonly status: "loading" };
  readonly loadFailure: BridgeFailure | null;
  load(): Promise<void>;
  create(input: NewAccount): Promise<Outcome>;
  signIn(input: { readonly handle: string; readonly password: string }): Promise<Outcome>;
  unlock(password: string): Promise<Outcome>;
  lock(): Promise<Outcome>;
  wipe(): Promise<Outcome>;
  setPassword(input: { readonly current: string | null; readonly next: string }): Promise<Outcome>;
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
export function createAccountStore({ calls, onEvent }: Engine): AccountStore {
  const store = createStore<AccountState>((set) => {
    const keep = (answer: Result<AccountView, BridgeFailure>): Outcome => {
      if (!answer.ok) return answer;
      set({ account: answer.value, loadFailure: null });
      return ok(null);
    };
    return {
      account: { status: "loading" },
      loadFailure: null,
      async load() {
        const outcome = keep(await calls.loadAccount());
        if (!outcome.ok) set({ loadFailure: outcome.failure });
      },
      create: async (input) => keep(await calls.createAccount(input)),
      signIn: async (input) => keep(await calls.signIn(input)),
      unlock: async (password) => keep(await calls.unlock({ password })),
      lock: () => calls.lock(),
      async wipe() {
        const answer = await calls.wipe();
        if (answer.ok) set({ account: { status: "none" } });
        return answer;
      },
      setPassword: (input) => calls.setPassword(input),
      setDisplayName: async (displayName) => keep(await calls.setDisplayName({ displayName })),
    };
  });
  onEvent((event) => {
    if (event.type === "account") store.setState({ account: event.account, loadFailure: null });
  });
  return store;
}

/** The account while it is open, else null. */
export const selectOpenAccount = ({ account }: AccountState) =>
  account.status === "open" ? account : null;
