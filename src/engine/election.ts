/**
 * Which tab's worker runs the engine: the holder of one lock. The others follow: their pages' calls travel to the
 * holder over a channel between tabs, and one of them takes over when the holder goes. SPEC §tabs.
 */
import { connect, type BridgeClient } from "#bridge/connect.ts";
import type { EngineCalls } from "#bridge/calls.ts";
import type { EngineEvent } from "#bridge/events.ts";
import { isTyped, type BridgePort } from "#bridge/port.ts";
import { serve } from "#bridge/serve.ts";

/** What of `navigator.locks` is used: `hold` is called with the lock and keeps it until its promise settles. */
export interface Locks {
  request(name: string, hold: () => Promise<void>): Promise<unknown>;
}

/** A channel that all tabs of one profile hear; a sender does not hear itself. */
export type TabChannel = BridgePort;

/** One page's seat at the engine: what it opened and whether it is visible are its own. */
export interface EnginePage {
  readonly calls: EngineCalls;
  onEvent(listener: (event: EngineEvent) => void): () => void;
  close(): void;
}

export interface RunningEngine {
  openPage(): EnginePage;
  close(): Promise<void>;
}

/** What travels between tabs; all but the first two is between one follower and the leader of one term. */
type TabMessage =
  | { readonly type: "leader-here"; readonly term: string }
  | { readonly type: "leader-wanted" }
  | {
      readonly type: "to-leader";
      readonly term: string;
      readonly tab: string;
      readonly body: unknown;
    }
  | {
      readonly type: "to-tab";
      readonly term: string;
      readonly tab: string;
      readonly body: unknown;
    };

export interface Tab {
  role(): "waiting" | "leader" | "follower";
  /** Leaves: as leader it closes the engine and gives the lock to the next tab. */
  close(): Promise<void>;
}

export type TabOptions = {
  readonly lockName: string;
  /** Unique per tab and life; also the name of its term as leader. */
  readonly tabId: string;
  readonly locks: Locks;
  readonly channel: TabChannel;
  /** Builds the engine; called once, when this tab leads. */
  readonly startEngine: () => Promise<RunningEngine>;
  readonly pagePort: BridgePort;
  readonly onFault: (error: unknown, call: string) => void;
};

/** Serves this tab's page, by an engine of its own or through the leader's, whichever there is. */
export function joinTabs(options: TabOptions): Tab {
  const { channel, tabId, locks, lockName } = options;
  const post = (message: TabMessage): void => channel.postMessage(message);
  const left = Promise.withResolvers<void>();
  let role: ReturnType<Tab["role"]> = "waiting";
  let calls = Promise.withResolvers<EngineCalls>();
  let hasServed = false;
  let hasLeft = false;
  let isSeated = false;
  let leader: { readonly term: string; readonly client: BridgeClient } | null = null;
  let followers: Followers | null = null;

  const page = serve(options.pagePort, () => calls.promise, options.onFault);
  const use = (next: EngineCalls): void => {
    // Calls that wait for a first engine get this one; later calls ask again and get the newest.
    calls.resolve(next);
    calls = Promise.withResolvers<EngineCalls>();
    calls.resolve(next);
    if (hasServed) page.emit({ type: "engine-restarted" });
    hasServed = true;
  };
  const follow = (term: string): void => {
    if (role === "leader" || leader?.term === term) return;
    leader?.client.close();
    const client = connect(portToLeader(channel, term, tabId), { kind: "bridge/leader-gone" });
    client.onEvent((event) => page.emit(event));
    leader = { term, client };
    role = "follower";
    use(client.calls);
  };
  const hear = ({ data }: { readonly data: unknown }): void => {
    if (!isTyped(data)) return;
    const message = data as TabMessage;
    if (message.type === "leader-here" && isSeated) follow(message.term);
    if (message.type === "leader-wanted" && followers !== null)
      post({ type: "leader-here", term: tabId });
    if (message.type === "to-leader" && message.term === tabId)
      followers?.hear(message.tab, message.body);
  };
  const start = async (): Promise<RunningEngine | null> => {
    try {
      return await options.startEngine();
    } catch (error) {
      // Every call meets the same fault, so that the page says something; another tab may have more luck.
      calls.promise.catch(() => undefined);
      calls.reject(error);
      return null;
    }
  };
  const lead = async (): Promise<void> => {
    leader?.client.close();
    leader = null;
    role = "leader";
    const engine = await start();
    if (engine === null) return;
    const own = engine.openPage();
    own.onEvent((event) => page.emit(event));
    followers = createFollowers(options, engine);
    use(own.calls);
    post({ type: "leader-here", term: tabId });
    await left.promise;
    followers.close();
    followers = null;
    await engine.close();
  };

  channel.addEventListener("message", hear);
  // Held for as long as this tab lives: whoever gets it next knows that the tab is gone. A leader that heard of this tab
  // before it held its lock would get the lock at once.
  void locks.request(tabLock(lockName, tabId), () => {
    isSeated = true;
    if (!hasLeft) post({ type: "leader-wanted" });
    return left.promise;
  });
  const led = locks.request(lockName, async () => {
    if (!hasLeft) await lead();
  });

  return {
    role: () => role,
    async close() {
      hasLeft = true;
      page.close();
      leader?.client.close();
      channel.removeEventListener("message", hear);
      left.resolve();
      if (role === "leader") await led;
    },
  };
}

const tabLock = (lockName: string, tabId: string): string => `${lockName}/tab/${tabId}`;

interface Followers {
  hear(tab: string, body: unknown): void;
  close(): void;
}

/** The leader's side: a served port for every tab that speaks up, until that tab is gone. */
function createFollowers(options: TabOptions, engine: RunningEngine): Followers {
  const term = options.tabId;
  const seats = new Map<string, { push(body: unknown): void; close(): void }>();

  const seat = (tab: string) => {
    const listeners = new Set<(event: { readonly data: unknown }) => void>();
    const page = engine.openPage();
    const server = serve(
      {
        postMessage: (body) =>
          options.channel.postMessage({ type: "to-tab", term, tab, body } satisfies TabMessage),
        addEventListener: (_type, listener) => listeners.add(listener),
        removeEventListener: (_type, listener) => listeners.delete(listener),
      },
      async () => page.calls,
      options.onFault,
    );
    page.onEvent((event) => server.emit(event));
    const made = {
      push: (body: unknown) => {
        for (const listener of [...listeners]) listener({ data: body });
      },
      close: () => {
        server.close();
        page.close();
      },
    };
    void options.locks.request(tabLock(options.lockName, tab), async () => {
      made.close();
      seats.delete(tab);
    });
    return made;
  };

  return {
    hear(tab, body) {
      const known = seats.get(tab) ?? seat(tab);
      seats.set(tab, known);
      known.push(body);
    },
    close() {
      for (const known of seats.values()) known.close();
      seats.clear();
    },
  };
}

/** A follower's port to the leader of one term; words of other terms are not heard. */
function portToLeader(channel: TabChannel, term: string, tab: string): BridgePort {
  const heardBy = new Map<unknown, (event: { readonly data: unknown }) => void>();
  return {
    postMessage: (body) =>
      channel.postMessage({ type: "to-leader", term, tab, body } satisfies TabMessage),
    addEventListener(type, listener) {
      const hear = ({ data }: { readonly data: unknown }): void => {
        if (!isTyped(data)) return;
        const message = data as TabMessage;
        if (message.type === "to-tab" && message.term === term && message.tab === tab)
          listener({ data: message.body });
      };
      heardBy.set(listener, hear);
      channel.addEventListener(type, hear);
    },
    removeEventListener(type, listener) {
      const hear = heardBy.get(listener);
      heardBy.delete(listener);
      if (hear !== undefined) channel.removeEventListener(type, hear);
    },
  };
}
