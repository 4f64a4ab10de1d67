import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "#base/clock.ts";
import type { Engine } from "./engine.ts";
import type { BridgeFailure, OwnAgentView } from "./views.ts";

/** The agents this person made, as the relay last told. */
export type OwnAgentsState = {
  /** Null until they were asked for. */
  readonly agents: readonly OwnAgentView[] | null;
  readonly failure: BridgeFailure | null;
  load(): Promise<void>;
  /** Asks now and every few seconds, so that a program that starts is seen. Returns the way to stop. */
  watch(): () => void;
};
export type OwnAgentsStore = StoreApi<OwnAgentsState>;

const LOOK_EVERY_MS = 4_000;

/** Creates the store; it asks for nothing by itself. */
export function createOwnAgentsStore({ calls, onEvent }: Engine, clock: Clock): OwnAgentsStore {
  const store = createStore<OwnAgentsState>((set, get) => ({
    agents: null,
    failure: null,
    async load() {
      const answer = await calls.listOwnAgents();
      set(answer.ok ? { agents: answer.value, failure: null } : { failure: answer.failure });
    },
    watch() {
      let isWatching = true;
      let cancel = (): void => undefined;
      const look = async (): Promise<void> => {
        await get().load();
        if (isWatching) cancel = clock.after(LOOK_EVERY_MS, () => void look());
      };
      void look();
      return () => {
        isWatching = false;
        cancel();
      };
    },
  }));
  onEvent((event) => {
    if (event.type === "account" && event.account.status !== "open")
      store.setState({ agents: null, failure: null });
  });
  return store;
}
