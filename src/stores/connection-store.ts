import { createStore, type StoreApi } from "zustand/vanilla";
import type { Engine } from "./engine.ts";
import type { ConnectionView } from "./views.ts";

export type ConnectionState = { readonly connection: ConnectionView };
export type ConnectionStore = StoreApi<ConnectionState>;

/** Creates the store of the line to the relay. */
export function createConnectionStore({ onEvent }: Engine): ConnectionStore {
  const store = createStore<ConnectionState>(() => ({
    connection: { status: "connecting", since: null, retryAt: null },
  }));
  onEvent((event) => {
    if (event.type === "connection") store.setState({ connection: event.connection });
  });
  return store;
}
