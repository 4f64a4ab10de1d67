/** The window's composition root: starts the workers, connects the bridge, makes the stores, mounts the app. */
import { createRoot } from "react-dom/client";
import { systemClock } from "#base/clock.ts";
import { connect } from "#bridge/connect.ts";
import { createWorkerUrls, type TrustedTypes } from "#pwa/trusted-workers.ts";
import { watchUpdates } from "#pwa/update.ts";
import type { AccountMark } from "#stores/account-mark.ts";
import { createStores, type Stores } from "#stores/create-stores.ts";
import { startAnew, type LastStart } from "#stores/start-anew.ts";
import { createPasskeyDevice } from "#stores/passkey-device.ts";
import type { SettingsStorage } from "#stores/settings-store.ts";
import { App } from "#ui/App.tsx";
import { NotFetched } from "#ui/fetching/fetched.ts";
import { createRenderJobs, type RenderWorker } from "#ui/markdown/render-jobs.ts";
import { createRouter } from "#ui/router.ts";
import { fetchForRoute } from "#ui/screens/fetched-screens.ts";
import "#ui/style/base.css";
import engineWorkerUrl from "./engine/worker.ts?worker&url";
import renderWorkerUrl from "./ui/markdown/render-worker.ts?worker&url";

const SERVICE_WORKER_URL = "/service-worker.js";
const SETTINGS_KEY = "parley.settings";
const RESTART_KEY = "parley.started-anew";
const MARK_KEY = "parley.account";
/** `noble` here leaves the browser's own cryptography out, from the next start of every tab on. */
const CRYPTO_KEY = "parley.crypto";
/** As long as a browser keeps any cookie. */
const MARK_SECONDS = 400 * 86_400;
/** A touch is told at most this often; well under the least minute of the idle lock. */
const TOUCH_EVERY_MS = 5_000;
const UPDATE_CHECK_MS = 60 * 60_000;

const { trustedTypes } = window as { readonly trustedTypes?: TrustedTypes };
const workerUrl = createWorkerUrls(trustedTypes, location.origin, [
  engineWorkerUrl,
  renderWorkerUrl,
  SERVICE_WORKER_URL,
]);

function start(): void {
  const isNobleAlone = attempt(() => localStorage.getItem(CRYPTO_KEY)) === "noble";
  const engineWorker = new Worker(workerUrl(engineWorkerUrl), {
    type: "module",
    name: isNobleAlone ? "engine noble" : "engine",
  });
  const engine = connect(engineWorker);
  engineWorker.addEventListener("error", () => engine.fail());
  const stores = createStores(
    engine,
    systemClock,
    settingsStorage,
    accountMark,
    createPasskeyDevice(window),
  );
  engine.onGone(() => void startAnew(stores, lastStart, () => location.reload()));

  const router = createRouter(
    {
      location,
      history,
      onMove: (listener) => window.addEventListener("popstate", listener),
    },
    ({ kind, url }) =>
      kind === "invite"
        ? openInviteWhenOpen(stores, url)
        : stores.devices.getState().takeOpened(url),
  );
  if (accountMark.isSet()) fetchForRoute(router.getState().route);
  const spawnRenderer = (): RenderWorker =>
    new Worker(workerUrl(renderWorkerUrl), { type: "module", name: "render" }) as RenderWorker;

  tellSurroundings(stores);
  keepStorage(stores);
  if (import.meta.env.PROD) void offerUpdates(stores);
  void stores.account.getState().load();

  const root = document.getElementById("root");
  if (root === null) throw new Error("The page has no place for the app.");
  createRoot(root, {
    onCaughtError(error) {
      // Its place says so already; every other caught fault is a bug of ours, and this is where to look for it.
      // oxlint-disable-next-line no-console
      if (!(error instanceof NotFetched)) console.error(error);
    },
  }).render(
    <App
      stores={stores}
      router={router}
      renderJobs={createRenderJobs(spawnRenderer, systemClock)}
    />,
  );
}

const settingsStorage: SettingsStorage = {
  load: () => attempt(() => localStorage.getItem(SETTINGS_KEY)),
  save: (text) => void attempt(() => localStorage.setItem(SETTINGS_KEY, text)),
};

const lastStart: LastStart = {
  load: () => Number(attempt(() => sessionStorage.getItem(RESTART_KEY))) || null,
  save: (at) => void attempt(() => sessionStorage.setItem(RESTART_KEY, String(at))),
};

/** Kept twice: a browser that clears its databases often leaves one of the two. It says nothing but "there was one". */
const accountMark: AccountMark = {
  isSet: () =>
    attempt(() => localStorage.getItem(MARK_KEY)) !== null ||
    document.cookie.includes(`${MARK_KEY}=1`),
  set() {
    attempt(() => localStorage.setItem(MARK_KEY, "1"));
    setMarkCookie(MARK_SECONDS);
  },
  clear() {
    attempt(() => localStorage.removeItem(MARK_KEY));
    setMarkCookie(0);
  },
};

const setMarkCookie = (seconds: number): void => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${MARK_KEY}=1; Path=/; Max-Age=${seconds}; SameSite=Strict${secure}`;
};

/** Where the browser forbids storage, settings last as long as the page. */
function attempt<Value>(task: () => Value): Value | null {
  try {
    return task();
  } catch {
    return null;
  }
}

/** An invite waits until there is an account to accept it with. */
function openInviteWhenOpen({ account, contacts }: Stores, url: string): void {
  const open = (): boolean => {
    if (account.getState().account.status !== "open") return false;
    void contacts.getState().openInvite(url);
    return true;
  };
  if (open()) return;
  const stop = account.subscribe(() => {
    if (open()) stop();
  });
}

/** Tells the worker what only the page sees, and saves what is typed before the page goes. */
function tellSurroundings({ calls, saveDrafts }: Stores): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void saveDrafts();
    void calls.hint({ type: document.visibilityState });
  });
  window.addEventListener("pagehide", () => void saveDrafts());
  window.addEventListener("online", () => void calls.hint({ type: "network-online" }));
  let toldAt = 0;
  const touched = (): void => {
    const now = systemClock.now();
    if (now - toldAt < TOUCH_EVERY_MS) return;
    toldAt = now;
    void calls.hint({ type: "touched" });
  };
  for (const event of ["keydown", "pointerdown", "wheel", "touchmove"] as const)
    window.addEventListener(event, touched, { passive: true });
  window.addEventListener("offline", () => void calls.hint({ type: "network-offline" }));
}

/** Asks the browser once to keep what is stored; only the page may ask. */
function keepStorage({ account }: Stores): void {
  const stop = account.subscribe((state) => {
    if (state.account.status !== "open") return;
    stop();
    void navigator.storage?.persist?.();
  });
}

async function offerUpdates({ update }: Stores): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const platform = {
    container: navigator.serviceWorker,
    workerUrl: workerUrl(SERVICE_WORKER_URL),
    reload: () => location.reload(),
  };
  try {
    const check = await watchUpdates(platform, (apply) => update.getState().offer(apply));
    const checkLater = (): void => {
      systemClock.after(UPDATE_CHECK_MS, () => {
        void check().catch(() => undefined);
        checkLater();
      });
    };
    checkLater();
  } catch {
    // A browser that refuses service workers runs the app without its offline part.
  }
}

start();
