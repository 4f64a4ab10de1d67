import { describe, expect, test } from "vitest";
import { ok } from "#base/result.ts";
import type { EngineCalls } from "#bridge/calls.ts";
import { connect } from "#bridge/connect.ts";
import type { EngineEvent } from "#bridge/events.ts";
import type { BridgePort } from "#bridge/port.ts";
import { createEmitter } from "#base/emitter.ts";
import { joinTabs, type Locks, type RunningEngine } from "./election.ts";

/** A browser profile in memory: named locks handed on in order, and one channel between all tabs. */
function aProfile() {
  const queues = new Map<string, (() => Promise<void>)[]>();
  const handOn = (name: string): void => {
    const first = queues.get(name)?.[0];
    if (first === undefined) return;
    void first().then(() => {
      queues.get(name)?.shift();
      handOn(name);
    });
  };
  const locks: Locks = {
    request: (name, hold) =>
      new Promise<void>((resolve) => {
        const waiting = queues.get(name) ?? [];
        queues.set(name, waiting);
        waiting.push(() => hold().then(resolve));
        if (waiting.length === 1) handOn(name);
      }),
  };
  const channels = new Set<ReturnType<typeof aPort>>();
  const aPort = () => {
    const listeners = new Set<(event: { readonly data: unknown }) => void>();
    return {
      hear: (data: unknown) => {
        for (const listener of [...listeners]) listener({ data });
      },
      listeners,
    };
  };
  const aChannel = (): BridgePort => {
    const own = aPort();
    channels.add(own);
    return {
      postMessage: (message) => {
        const copy = structuredClone(message);
        for (const other of channels) if (other !== own) queueMicrotask(() => other.hear(copy));
      },
      addEventListener: (_type, listener) => own.listeners.add(listener),
      removeEventListener: (_type, listener) => own.listeners.delete(listener),
    };
  };
  return { locks, aChannel };
}

/** An engine that answers with its own name and counts the pages that sit at it. */
function anEngine(name: string) {
  const events = createEmitter<EngineEvent>();
  const entered = Promise.withResolvers<void>();
  const state = { pages: 0, unlocks: 0, isClosed: false };
  const running: RunningEngine = {
    openPage() {
      state.pages++;
      return {
        calls: {
          search: async () => ok([{ title: name }]),
          unlock: () => {
            state.unlocks++;
            entered.resolve();
            return new Promise(() => undefined);
          },
        } as unknown as EngineCalls,
        onEvent: (listener) => events.on(listener),
        close: () => state.pages--,
      };
    },
    close: async () => {
      state.isClosed = true;
    },
  };
  return { running, events, state, entered: entered.promise };
}

function aTab(
  profile: ReturnType<typeof aProfile>,
  name: string,
  startEngine?: () => Promise<RunningEngine>,
) {
  const { port1, port2 } = new MessageChannel();
  const engine = anEngine(name);
  const tab = joinTabs({
    lockName: "engine",
    tabId: name,
    locks: profile.locks,
    channel: profile.aChannel(),
    startEngine: startEngine ?? (async () => engine.running),
    pagePort: port2,
    onFault: (error) => {
      if (startEngine === undefined) throw error;
    },
  });
  const client = connect(port1);
  const heard: string[] = [];
  client.onEvent((event) => heard.push(event.type));
  const whoAnswers = async () => {
    const answer = await client.calls.search({ query: "", conversationId: null, limit: 1 });
    return answer.ok ? answer.value[0]?.title : answer.failure.kind;
  };
  return { tab, client, engine, heard, whoAnswers, port1, port2 };
}

describe("tabs of one profile", () => {
  test("[N6] a tab whose own lock comes late is not taken for one that is gone", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    await a.whoAnswers();
    const late = Promise.withResolvers<void>();
    const locks: Locks = {
      async request(name, hold) {
        if (name.includes("/tab/")) await late.promise;
        return profile.locks.request(name, hold);
      },
    };

    const b = aTab({ ...profile, locks }, "b");
    const answer = b.whoAnswers();
    for (let turn = 0; turn < 10; turn++) await new Promise((next) => setImmediate(next));
    late.resolve();

    expect(await answer).toBe("a");
  });

  test("[N6] one tab runs the engine and the others' calls and events go through it", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    const b = aTab(profile, "b");

    expect([await a.whoAnswers(), await b.whoAnswers()]).toEqual(["a", "a"]);
    expect([a.tab.role(), b.tab.role()]).toEqual(["leader", "follower"]);
    a.engine.events.emit({ type: "engine-restarted" });
    await b.whoAnswers();

    expect([a.heard, b.heard]).toEqual([["engine-restarted"], ["engine-restarted"]]);
    a.port1.close();
    b.port1.close();
  });

  test("[N6] a tab whose own lock comes late follows no new leader before it has it", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    const c = aTab(profile, "c");
    await c.whoAnswers();
    const late = Promise.withResolvers<void>();
    const locks: Locks = {
      async request(name, hold) {
        if (name.includes("/tab/")) await late.promise;
        return profile.locks.request(name, hold);
      },
    };
    const b = aTab({ ...profile, locks }, "b");

    await a.tab.close();
    expect(await c.whoAnswers()).toBe("c");
    const answer = b.whoAnswers();
    for (let turn = 0; turn < 10; turn++) await new Promise((next) => setImmediate(next));
    late.resolve();

    expect(await answer).toBe("c");
    for (const { port1 } of [a, b, c]) port1.close();
  });

  test("[N6] words of another leader's time, or to another tab, are heard by nobody", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    const b = aTab(profile, "b");
    await b.whoAnswers();
    const stranger = profile.aChannel();
    const body = { type: "event", event: { type: "engine-restarted" } };

    const call = { type: "call", id: 99, name: "unlock", input: { password: "x" } };
    stranger.postMessage({ type: "to-leader", term: "before", tab: "b", body: call });
    stranger.postMessage({ type: "to-tab", term: "a", tab: "z", body });
    stranger.postMessage({ type: "to-tab", term: "before", tab: "b", body });
    stranger.postMessage({ type: "leader-here", term: "a" });

    expect([await a.whoAnswers(), await b.whoAnswers()]).toEqual(["a", "a"]);
    expect([a.engine.state.unlocks, a.heard, b.heard]).toEqual([0, [], []]);
    a.port1.close();
    b.port1.close();
  });

  test("[N6] the one that leads follows nobody, whatever is still said of an earlier one", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    await a.whoAnswers();

    profile.aChannel().postMessage({ type: "leader-here", term: "before" });
    await a.whoAnswers();

    expect([a.tab.role(), await a.whoAnswers()]).toEqual(["leader", "a"]);
    a.port1.close();
  });

  test("[N6] a tab whose engine cannot be built says so to every call", async () => {
    const a = aTab(aProfile(), "a", () => Promise.reject(new Error("no engine")));

    expect([await a.whoAnswers(), await a.whoAnswers()]).toEqual(["bridge/fault", "bridge/fault"]);
    a.port1.close();
  });

  test("[N7] a tab that left while it waited takes nothing over", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    const b = aTab(profile, "b");
    const c = aTab(profile, "c");
    await c.whoAnswers();

    await b.tab.close();
    await a.tab.close();

    expect(await c.whoAnswers()).toBe("c");
    expect(b.engine.state).toMatchObject({ pages: 0, isClosed: false });
    for (const { port1 } of [a, b, c]) port1.close();
  });

  test("[N7] a leader that is gone without a word leaves no call waiting", async () => {
    const profile = aProfile();
    const crash = Promise.withResolvers<void>();
    const locks: Locks = {
      request: (name, hold) =>
        profile.locks.request(name, () => Promise.race([hold(), crash.promise])),
    };
    const a = aTab({ ...profile, locks }, "a");
    const b = aTab(profile, "b");
    const c = aTab(profile, "c");
    expect([await b.whoAnswers(), await c.whoAnswers()]).toEqual(["a", "a"]);
    const stuck = [b, c].map(({ client }) => client.calls.unlock({ password: "x" }));
    // Asked in turn: what is answered came behind what is not.
    await Promise.all([b.whoAnswers(), c.whoAnswers()]);

    crash.resolve();

    const gone = { ok: false, failure: { kind: "bridge/leader-gone" } };
    expect(await Promise.all(stuck)).toEqual([gone, gone]);
    expect([await b.whoAnswers(), await c.whoAnswers()]).toEqual(["b", "b"]);
    for (const { port1 } of [a, b, c]) port1.close();
  });

  test("[N7] a follower takes over when the leader goes and tells its page to ask again", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    const b = aTab(profile, "b");
    const c = aTab(profile, "c");
    expect([await b.whoAnswers(), await c.whoAnswers()]).toEqual(["a", "a"]);

    await a.tab.close();

    expect([await b.whoAnswers(), await c.whoAnswers()]).toEqual(["b", "b"]);
    expect([b.heard, c.heard]).toEqual([["engine-restarted"], ["engine-restarted"]]);
    expect(a.engine.state.isClosed).toBe(true);
    for (const { port1 } of [a, b, c]) port1.close();
  });

  test("[N7] the leader frees the seat of a tab that is gone", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    const b = aTab(profile, "b");
    await b.whoAnswers();
    expect(a.engine.state.pages).toBe(2);

    await b.tab.close();
    await a.whoAnswers();

    expect(a.engine.state.pages).toBe(1);
    a.port1.close();
    b.port1.close();
  });

  test("[N7] a call under way at a leader that goes fails instead of waiting for ever", async () => {
    const profile = aProfile();
    const a = aTab(profile, "a");
    const b = aTab(profile, "b");
    await b.whoAnswers();

    const stuck = b.client.calls.unlock({ password: "x" });
    await a.engine.entered;
    await a.tab.close();

    expect(await stuck).toEqual({ ok: false, failure: { kind: "bridge/leader-gone" } });
    a.port1.close();
    b.port1.close();
  });
});
