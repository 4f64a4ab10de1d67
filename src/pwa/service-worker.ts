/**
 * Starts the app without a network and holds one whole build at a time. It imports nothing from elsewhere, takes
 * over from an older version only when a page asks, and lets everything but the build's own files pass.
 *
 * Kill switch: a visit to `/unregister-offline` removes the worker and its files and goes on to the server;
 * serving `public/kill-switch.js` under this file's name does the same to every browser at its next update check.
 */
import {
  fillShell,
  routeRequest,
  SHELL_CACHE,
  shellKeys,
  trimShell,
  type ShellFile,
} from "./shell-cache.ts";

declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: readonly ShellFile[];
};

const { origin } = self.location;
const keyByPath = shellKeys(self.__WB_MANIFEST, origin);

self.addEventListener("install", (event) => {
  const load = (path: string): Promise<Response> =>
    fetch(path, { cache: "reload", credentials: "omit" });
  event.waitUntil(caches.open(SHELL_CACHE).then((shell) => fillShell(shell, keyByPath, load)));
});

self.addEventListener("activate", (event) => {
  const start = async (): Promise<void> => {
    await trimShell(await caches.open(SHELL_CACHE), keyByPath);
    await self.clients.claim();
  };
  event.waitUntil(start());
});

self.addEventListener("message", (event) => {
  if (event.origin !== "" && event.origin !== origin) return;
  const message: unknown = event.data;
  if (message === "take-over") event.waitUntil(self.skipWaiting());
});

self.addEventListener("fetch", (event) => {
  const routing = routeRequest(event.request, origin, keyByPath);
  if (routing.kind === "file") event.respondWith(answerFromShell(event.request, routing.key));
  else if (routing.kind === "unregister") event.respondWith(leave(event.request));
});

async function answerFromShell(request: Request, key: string): Promise<Response> {
  const shell = await caches.open(SHELL_CACHE);
  return (await shell.match(key)) ?? fetch(request);
}

async function leave(request: Request): Promise<Response> {
  await caches.delete(SHELL_CACHE);
  await self.registration.unregister();
  return fetch(request);
}
