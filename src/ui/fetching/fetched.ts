import { createElement, use, type ComponentType, type ReactNode } from "react";

/** A component whose code is not part of the first load. */
export type Fetched<Props extends object> = ((props: Props) => ReactNode) & {
  /** Fetches the code ahead. Rejects with {@link NotFetched}; the next call tries again. */
  readonly fetch: () => Promise<unknown>;
};

/** Code did not come: no network, or a build that is gone from the server. */
export class NotFetched extends Error {
  constructor() {
    super("A part of the app did not come.");
  }
}

/** Forgetters of what did not come, so that it is asked for again. */
const failed = new Set<() => void>();

/** Lets everything that did not come be fetched anew. */
export function forgetFailed(): void {
  for (const forget of failed) forget();
  failed.clear();
}

/** The component that `load` gives, fetched when it is first drawn. Stands inside `Fetching`. */
export function fetched<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): Fetched<Props> {
  let pending: Promise<ComponentType<Props>> | null = null;
  let come: ComponentType<Props> | null = null;
  const ask = async (): Promise<ComponentType<Props>> => {
    try {
      come = await load();
      return come;
    } catch {
      // Kept while it is drawn, so that a failure is shown once and not asked for in a circle.
      failed.add(() => (pending = null));
      throw new NotFetched();
    }
  };
  const draw = (props: Props): ReactNode => createElement(come ?? use((pending ??= ask())), props);
  return Object.assign(draw, {
    fetch: () => {
      if (come !== null) return Promise.resolve();
      forgetFailed();
      return (pending ??= ask());
    },
  });
}

/** Fetches ahead, one after the other, once the page has nothing better to do. A failure is met again when drawn. */
export function fetchWhenIdle(parts: readonly { readonly fetch: () => Promise<unknown> }[]): void {
  const next = (at: number): void => {
    const part = parts[at];
    if (part === undefined) return;
    whenIdle(() => void fetchThen(part, at + 1));
  };
  const fetchThen = async (
    part: { readonly fetch: () => Promise<unknown> },
    after: number,
  ): Promise<void> => {
    try {
      await part.fetch();
    } catch {
      return forgetFailed();
    }
    return next(after);
  };
  next(0);
}

/** Safari has no idle callback; a short pause is near enough. */
const PAUSE_MS = 200;

function whenIdle(task: () => void): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(task, { timeout: 2_000 });
  else setTimeout(task, PAUSE_MS);
}
