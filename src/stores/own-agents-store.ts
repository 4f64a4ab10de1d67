import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "#base/clock.ts";
import type { Engine } from "./engine.ts";
import type { AgentRelationView, BridgeFailure, OwnAgentView } from "./views.ts";

type AgentId = OwnAgentView["id"];

/** The agents this person made, as the relay last told. */
export type OwnAgentsState = {
  /** Null until they were asked for. */
  readonly agents: readonly OwnAgentView[] | null;
  readonly failure: BridgeFailure | null;
  load(): Promise<void>;
  /** Asks now and every few seconds, so that a program that starts is seen. Returns the way to stop. */
  watch(): () => void;
  /** Who is connected with the agent that is looked at; null until they were asked for. */
  readonly relations: readonly AgentRelationView[] | null;
  readonly relationsFailure: BridgeFailure | null;
  /** Looks at one agent's people, again when something about them changes. Returns the way to stop. */
  watchRelations(agentId: AgentId): () => void;
  loadRelations(): Promise<void>;
};
export type OwnAgentsStore = StoreApi<OwnAgentsState>;

const LOOK_EVERY_MS = 4_000;

/** Creates the store; it asks for nothing by itself. */
export function createOwnAgentsStore({ calls, onEvent }: Engine, clock: Clock): OwnAgentsStore {
  let watched: AgentId | null = null;
  const store = createStore<OwnAgentsState>((set, get) => ({
    agents: null,
    failure: null,
    relations: null,
    relationsFailure: null,
    watchRelations(agentId) {
      watched = agentId;
      set({ relations: null, relationsFailure: null });
      void get().loadRelations();
      return () => {
        if (watched === agentId) watched = null;
      };
    },
    async loadRelations() {
      const agentId = watched;
      if (agentId === null) return;
      const answer = await calls.listAgentRelations({ agentId });
      if (watched !== agentId) return;
      set(
        answer.ok
          ? { relations: answer.value, relationsFailure: null }
          : { relationsFailure: answer.failure },
      );
    },
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
      store.setState({ agents: null, failure: null, relations: null, relationsFailure: null });
    if (event.type === "agent-relations" && event.agentId === watched)
      void store.getState().loadRelations();
    // What changed while there was no line was told to nobody.
    if (event.type === "connection" && event.connection.status === "online")
      void store.getState().loadRelations();
  });
  return store;
}
