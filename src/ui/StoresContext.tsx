import { createContext, useContext, type ReactNode } from "react";
import { useStore as useZustand } from "zustand";
import type { StoreApi } from "zustand/vanilla";
import type { Stores } from "#stores/create-stores.ts";
import type { Router, RouterState } from "./router.ts";
import type { Route } from "./routes.ts";

type AppContext = { readonly stores: Stores; readonly router: Router };

const Context = createContext<AppContext | null>(null);

/** Gives everything inside it the stores and the router. */
export function StoresProvider({ stores, router, children }: AppContext & { children: ReactNode }) {
  return <Context value={{ stores, router }}>{children}</Context>;
}

/** All stores, for doing things. For showing things see {@link useStore}. */
export function useStores(): Stores {
  return useApp().stores;
}

type StateByStore = {
  [
    Name in keyof Stores as Stores[Name] extends StoreApi<unknown> ? Name : never
  ]: Stores[Name] extends StoreApi<infer State> ? State : never;
};

/** One store's part that is shown; the component draws again when that part is another one. */
export function useStore<Name extends keyof StateByStore, Part>(
  name: Name,
  select: (state: StateByStore[Name]) => Part,
): Part {
  const stores: { readonly [Each in keyof StateByStore]: ReadonlyStore<StateByStore[Each]> } =
    useApp().stores;
  const store: ReadonlyStore<StateByStore[Name]> = stores[name];
  return useZustand(store, select);
}

type ReadonlyStore<State> = Pick<StoreApi<State>, "getState" | "getInitialState" | "subscribe">;

export const useRoute = (): Route => useZustand(useApp().router, (state) => state.route);

/** The ways to other screens; they never change. */
export const useRouter = (): RouterState => useApp().router.getState();

function useApp(): AppContext {
  const app = useContext(Context);
  if (app === null) throw new Error("The stores are given in main.tsx.");
  return app;
}
