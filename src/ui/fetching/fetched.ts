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

/** The component that `loadCode` gives, fetched when it is first drawn. Stands inside `Fetching`. */
export function fetched<Props extends object>(
  loadCode: () => Promise<ComponentType<Props>>,
): Fetched<Props> {
  let asked: Promise<ComponentType<Props>> | null = null;
  let isHere = false;
  const load = async (): Promise<ComponentType<Props>> => {
    try {
      return await loadCode();
    } catch {
      // Kept while it is drawn, so that a failure is shown once and not asked for in a circle.
      failed.add(() => (asked = null));
      throw new NotFetched();
    }
  };
  const ask = (): Promise<ComponentType<Props>> => {
    const coming = load();
    coming.then(
      (value) => {
        isHere = true;
        // Says so of itself, so that React draws it at once and not after a turn.
        Object.assign(coming, { status: "fulfilled", value });
      },
      () => undefined,
    );
    return coming;
  };
  const draw = (props: Props): ReactNode => createElement(use((asked ??= ask())), props);
  return Object.assign(draw, {
    fetch: () => {
      if (isHere) return Promise.resolve();
      forgetFailed();
      return (asked ??= ask());
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
