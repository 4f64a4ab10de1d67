/**
 * The engine of a device that holds no account yet: a first visit needs little more than to learn that. The engine
 * itself is fetched when there is something for it to open, or when somebody touches the page. SPEC §porch.
 */
import { createEmitter } from "#base/emitter.ts";
import { err, ok, type Result } from "#base/result.ts";
import { CALL_NAMES } from "#bridge/call-names.ts";
import type { CallName, EngineCalls } from "#bridge/calls.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { BridgeFailure } from "#bridge/failure.ts";
import type { CallOptions } from "#bridge/port.ts";
import type { EnginePage, RunningEngine } from "./election.ts";
import { viewDoor } from "./store/door.ts";
import { openDatabase } from "./store/migrations.ts";

export type PorchNeeds = {
  readonly databaseName: string;
  /** Fetches the engine's code and gives the way to start it; null where the code did not come. */
  readonly fetchEngine: () => Promise<(() => Promise<RunningEngine>) | null>;
};

type AnyCall = (input?: unknown, options?: CallOptions) => Promise<Result<unknown, BridgeFailure>>;
type Hint = Parameters<EngineCalls["hint"]>[0];

/**
 * Creates an engine that begins on the porch and goes inside once, for all pages.
 *
 * Its calls fail as the engine's own do, and with `engine/not-fetched` where its code did not come; the next call
 * tries again.
 */
export function createPorch({ databaseName, fetchEngine }: PorchNeeds): RunningEngine {
  const pages = new Set<PorchPage>();
  const isEmpty = isNobodyHome(databaseName);
  let fetched: ReturnType<PorchNeeds["fetchEngine"]> | null = null;
  let inside: Promise<RunningEngine | null> | null = null;

  const fetchOnce = async () => {
    const start = await (fetched ??= fetchEngine());
    if (start === null) fetched = null;
    return start;
  };
  const goInside = (): Promise<RunningEngine | null> =>
    (inside ??= (async () => {
      // The porch's own look at the disk is over before the engine opens it.
      await isEmpty;
      const start = await fetchOnce();
      if (start === null) {
        inside = null;
        return null;
      }
      const engine = await start();
      // Whoever looks on hears what happens from the first event on.
      for (const page of pages) page.moveTo(engine);
      return engine;
    })());

  return {
    openPage() {
      const page = createPorchPage({
        goInside,
        isEmpty: async () => inside === null && (await isEmpty),
        prefetch: () => void fetchOnce().catch(() => undefined),
        onClosed: () => pages.delete(page),
      });
      pages.add(page);
      // An engine that runs already has this page as well.
      void inside?.then(
        (engine) => engine !== null && page.moveTo(engine),
        () => undefined,
      );
      return page;
    },
    async close() {
      await (await inside)?.close();
    },
  };
}

interface PorchPage extends EnginePage {
  /** Opens this page at the engine; once. */
  moveTo(engine: RunningEngine): EngineCalls;
}

function createPorchPage(porch: {
  readonly goInside: () => Promise<RunningEngine | null>;
  readonly isEmpty: () => Promise<boolean>;
  readonly prefetch: () => void;
  readonly onClosed: () => void;
}): PorchPage {
  const events = createEmitter<EngineEvent>();
  let page: EnginePage | null = null;
  let isClosed = false;
  /** Whether the page is seen: all of what it told before that the engine must know. */
  let seen: Hint | null = null;

  const moveTo = (engine: RunningEngine): EngineCalls => {
    if (page !== null) return page.calls;
    page = engine.openPage();
    page.onEvent(events.emit);
    if (seen !== null) void page.calls.hint(seen);
    const { calls } = page;
    if (isClosed) page.close();
    return calls;
  };
  const forward =
    (name: CallName): AnyCall =>
    async (input, options) => {
      const engine = await porch.goInside();
      if (engine === null) return err({ kind: "engine/not-fetched" });
      return (moveTo(engine)[name] as AnyCall)(input, options);
    };
  const calls: Record<string, AnyCall> = Object.fromEntries(
    CALL_NAMES.map((name) => [name, forward(name)]),
  );
  return {
    calls: {
      ...(calls as unknown as EngineCalls),
      async loadAccount() {
        if (await porch.isEmpty()) return ok({ status: "none" });
        return forward("loadAccount")() as ReturnType<EngineCalls["loadAccount"]>;
      },
      async hint(input) {
        if (page !== null) return page.calls.hint(input);
        if (input.type === "hidden" || input.type === "visible") seen = input;
        if (input.type === "touched") porch.prefetch();
        return ok(null);
      },
    },
    onEvent: (listener) => events.on(listener),
    moveTo,
    close() {
      isClosed = true;
      porch.onClosed();
      page?.close();
    },
  };
}

/** Whether there is nothing here to open. A disk that cannot be looked at is for the engine to speak about. */
async function isNobodyHome(databaseName: string): Promise<boolean> {
  const opened = await openDatabase(databaseName, () => undefined);
  if (!opened.ok) return false;
  try {
    return (await viewDoor(opened.value)).status === "none";
  } catch {
    return false;
  } finally {
    opened.value.close();
  }
}
