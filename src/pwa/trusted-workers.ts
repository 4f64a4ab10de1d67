/** The one Trusted Types policy of the app: it lets the page start our own workers and nothing else. */

/** The part of `window.trustedTypes` that is used; absent where the browser does not know it. */
export interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

/**
 * Creates the policy `app-worker` and gives the way to pass a URL through it.
 *
 * Shapes: `knownUrls` are the worker files of this build; `origin` is the page's. Any other URL throws.
 */
export function createWorkerUrls(
  trustedTypes: TrustedTypes | undefined,
  origin: string,
  knownUrls: readonly string[],
): (url: string) => string {
  const known = new Set(knownUrls.map((url) => new URL(url, origin).href));
  const createScriptURL = (url: string): string => {
    const { href, origin: from } = new URL(url, origin);
    if (from !== origin || !known.has(href)) throw new TypeError("Not one of our workers.");
    return href;
  };
  const policy = trustedTypes?.createPolicy("app-worker", { createScriptURL });
  // The platform wants the trusted object itself; its type here is the string it stands for.
  return (url) => (policy?.createScriptURL(url) ?? createScriptURL(url)) as string;
}
