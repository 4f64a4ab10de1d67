import { createStore, type StoreApi } from "zustand/vanilla";
import { ok, type Result } from "#base/result.ts";
import type { Outcome } from "./account-store.ts";
import type { Engine } from "./engine.ts";
import type { PasskeyDevice } from "./passkey-device.ts";
import type { BridgeFailure, PasskeyInput, WaysView } from "./views.ts";

/** Ways into the account beside its password. */
export type WaysState = {
  /** Whether this browser's passkeys can open anything; false until it said so. */
  readonly hasPasskeys: boolean;
  readonly ways: WaysView | null;
  readonly failure: BridgeFailure | null;
  load(): Promise<void>;
  addPasskey(account: { readonly handle: string; readonly displayName: string }): Promise<Outcome>;
  removePasskey(id: string): Promise<Outcome>;
  unlockByPasskey(ids: readonly string[]): Promise<Outcome>;
  signInByPasskey(): Promise<Outcome>;
  keepRecovery(): Promise<Outcome>;
  withdrawRecovery(): Promise<Outcome>;
};
export type WaysStore = StoreApi<WaysState>;

/** Creates the store of the ways in. */
export function createWaysStore({ calls }: Engine, device: PasskeyDevice): WaysStore {
  const store = createStore<WaysState>((set, get) => {
    const thenLoad = async (answer: Outcome): Promise<Outcome> => {
      if (answer.ok) await get().load();
      return answer;
    };
    return {
      hasPasskeys: false,
      ways: null,
      failure: null,
      async load() {
        const answer = await calls.listWays();
        set(answer.ok ? { ways: answer.value, failure: null } : { failure: answer.failure });
      },
      async addPasskey(account) {
        const described = await calls.describePasskey();
        if (!described.ok) return described;
        const made = await device.make({ ...described.value, ...account });
        if (!made.ok) return made;
        return thenLoad(await handOver(made.value, () => calls.addPasskey(made.value)));
      },
      removePasskey: async (id) => thenLoad(await calls.removePasskey({ id })),
      async unlockByPasskey(ids) {
        const used = await device.use(ids);
        return used.ok ? handOver(used.value, () => calls.unlockByPasskey(used.value)) : used;
      },
      async signInByPasskey() {
        const used = await device.use([]);
        return used.ok ? handOver(used.value, () => calls.signInByPasskey(used.value)) : used;
      },
      keepRecovery: async () => thenLoad(await calls.keepRecovery()),
      withdrawRecovery: async () => thenLoad(await calls.withdrawRecovery()),
    };
  });
  void device.isAvailable().then((hasPasskeys) => store.setState({ hasPasskeys }));
  return store;
}

/** The worker has its copy by the time it answers; the page keeps none. */
async function handOver(
  { prfOutput }: PasskeyInput,
  call: () => Promise<Result<unknown, BridgeFailure>>,
): Promise<Outcome> {
  const answer = await call();
  prfOutput.fill(0);
  return answer.ok ? ok(null) : answer;
}
