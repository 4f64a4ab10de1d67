import { createStore, type StoreApi } from "zustand/vanilla";

/** A newer version of the app, once the service worker holds all of it. */
export type UpdateState = {
  readonly status: "current" | "available" | "applying";
  offer(apply: () => void): void;
  /** Saves what is being written, then lets the new version take over. */
  apply(): Promise<void>;
};
export type UpdateStore = StoreApi<UpdateState>;

/** Creates the store of app updates. `saveDrafts` settles when nothing typed can be lost any more. */
export function createUpdateStore(saveDrafts: () => Promise<unknown>): UpdateStore {
  let takeOver: () => void = () => {};
  return createStore<UpdateState>((set) => ({
    status: "current",
    offer(apply) {
      takeOver = apply;
      set({ status: "available" });
    },
    async apply() {
      set({ status: "applying" });
      await saveDrafts();
      takeOver();
    },
  }));
}
