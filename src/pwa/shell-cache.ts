/**
 * The app's own files, kept for offline starts. Only what the build listed is ever stored: hashed static files
 * and the one page that carries them. Answers of the relay, ciphertext and uploads never come here.
 */

/** One file of the build. `revision` is null where the name itself carries the hash. */
export type ShellFile = { readonly url: string; readonly revision: string | null };

/** The part of a platform `Cache` that is used. */
export type ShellStorage = Pick<Cache, "match" | "put" | "delete" | "keys">;

export const SHELL_CACHE = "parley-shell";
const PAGE = "/index.html";

/** What the worker does with a request. */
export type Routing =
  | { readonly kind: "network" }
  | { readonly kind: "file"; readonly key: string }
  | { readonly kind: "unregister" };

/** Paths that the app draws; every other navigation is the relay's to answer. */
const APP_PATHS = /^\/(?:$|c\/|settings(?:\/|$)|contacts(?:\/|$)|i\/|p\/)/u;
const UNREGISTER_PATH = "/unregister-offline";

/** The keys of a build's files in the cache, by path. */
export const shellKeys = (
  files: readonly ShellFile[],
  origin: string,
): ReadonlyMap<string, string> =>
  new Map(
    files.map(({ url, revision }) => {
      const file = new URL(url, origin);
      if (revision !== null) file.searchParams.set("revision", revision);
      return [new URL(url, origin).pathname, file.href];
    }),
  );

/** Where a request goes: a file of this build, or past the worker. */
export function routeRequest(
  request: { readonly method: string; readonly mode: string; readonly url: string },
  origin: string,
  keyByPath: ReadonlyMap<string, string>,
): Routing {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== origin) return { kind: "network" };
  const isPage = request.mode === "navigate";
  if (isPage && url.pathname === UNREGISTER_PATH) return { kind: "unregister" };
  const key = keyByPath.get(isPage && APP_PATHS.test(url.pathname) ? PAGE : url.pathname);
  return key === undefined ? { kind: "network" } : { kind: "file", key };
}

/**
 * Fetches what the cache lacks; rejects if one file does not come, so that no half build is ever offered.
 * `load` goes past the browser's own cache.
 */
export async function fillShell(
  storage: ShellStorage,
  keyByPath: ReadonlyMap<string, string>,
  load: (path: string) => Promise<Response>,
): Promise<void> {
  for (const [path, key] of keyByPath) {
    if ((await storage.match(key)) !== undefined) continue;
    const response = await load(path);
    if (!response.ok || response.redirected) throw new TypeError("A file of the app did not come.");
    await storage.put(key, response);
  }
}

/** Deletes the files of older builds. */
export async function trimShell(
  storage: ShellStorage,
  keyByPath: ReadonlyMap<string, string>,
): Promise<void> {
  const wanted = new Set(keyByPath.values());
  for (const { url } of await storage.keys()) if (!wanted.has(url)) await storage.delete(url);
}
