import { createStore, type StoreApi } from "zustand/vanilla";
import { parseAddress, routeToPath, type Link, type Route } from "./routes.ts";

/** The screen on show and the ways to another one. */
export type RouterState = {
  readonly route: Route;
  /** A new entry in the history, so that "back" returns here. */
  go(route: Route): void;
  /** The same entry, for what is no step of its own. */
  replace(route: Route): void;
  /** One step back inside the app, or up where the app was entered here. */
  back(up: Route): void;
};
export type Router = StoreApi<RouterState>;

/** The parts of `window` that are used. */
export type RouterPlatform = {
  readonly location: Pick<Location, "pathname" | "search" | "hash">;
  readonly history: Pick<History, "pushState" | "replaceState" | "back" | "state">;
  /** Calls the listener when the browser moved in its history or the fragment changed. */
  onMove(listener: () => void): void;
};

/**
 * Creates the router. A link is handed to `onLink` whole and replaced in the history by the home screen,
 * so that its fragment stays in no address bar, entry or state.
 */
export function createRouter(
  { location, history, onMove }: RouterPlatform,
  onLink: (link: Link) => void,
): Router {
  const take = (): Route => {
    const { route, link } = parseAddress(location);
    if (link !== null) {
      history.replaceState(history.state, "", "/");
      onLink(link);
    }
    return route;
  };
  const router = createStore<RouterState>((set) => ({
    route: take(),
    go(route) {
      history.pushState({ isOurs: true }, "", routeToPath(route));
      set({ route });
    },
    replace(route) {
      history.replaceState(history.state, "", routeToPath(route));
      set({ route });
    },
    back(up) {
      const state: unknown = history.state;
      if (typeof state === "object" && state !== null && "isOurs" in state) {
        history.back();
        return;
      }
      history.replaceState(null, "", routeToPath(up));
      set({ route: up });
    },
  }));
  onMove(() => router.setState({ route: take() }));
  return router;
}
