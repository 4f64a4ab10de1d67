import { describe, expect, onTestFinished, test } from "vitest";
import { ok, type Result } from "#base/result.ts";
import type { EngineCalls } from "./calls.ts";
import { CALL_NAMES } from "./call-names.ts";
import { connect } from "./connect.ts";
import type { BridgeFailure } from "./failure.ts";
import { serve } from "./serve.ts";
import type { CallOptions } from "./port.ts";

const aLine = () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => {
    port1.close();
    port2.close();
  });
  return { pagePort: port1, workerPort: port2 };
};

/** As between tabs: what is said to an end that does not listen yet is lost. */
const aLossyLine = () => {
  const ends = [new Set<Listener>(), new Set<Listener>()] as const;
  const said: unknown[] = [];
  const end = (own: Set<Listener>, other: Set<Listener>) => ({
    postMessage: (data: unknown) => {
      said.push(data);
      const listeners = [...other];
      queueMicrotask(() => listeners.forEach((listener) => listener({ data })));
    },
    addEventListener: (_type: "message", listener: Listener) => void own.add(listener),
    removeEventListener: (_type: "message", listener: Listener) => void own.delete(listener),
  });
  return { pagePort: end(...ends), workerPort: end(ends[1], ends[0]), said };
};
type Listener = (event: { readonly data: unknown }) => void;

const anEngine = (parts: Partial<EngineCalls>): EngineCalls => parts as EngineCalls;
const noFault = (error: unknown): never => {
  throw error;
};

const ada = "0190c0de-0000-7000-8000-000000000001" as never;

describe("a call over the bridge", () => {
  test("[N1] carries its input there and its answer back, by id and not by order", async () => {
    const { pagePort, workerPort } = aLine();
    const slow = Promise.withResolvers<null>();
    const engine = anEngine({
      saveDraft: async () => {
        await slow.promise;
        return ok(null);
      },
      setMuted: async ({ muted }) =>
        muted ? { ok: false, failure: { kind: "peer/offline" } } : ok(null),
    });
    serve(workerPort, async () => engine, noFault);
    const { calls } = connect(pagePort);

    const first = calls.saveDraft({ conversationId: ada, text: "x", replyToId: null });
    const second = await calls.setMuted({ conversationId: ada, muted: true });
    slow.resolve(null);

    expect(second).toEqual({ ok: false, failure: { kind: "peer/offline" } });
    expect(await first).toEqual(ok(null));
  });

  test("[N2] waits for an engine that is still being built", async () => {
    const { pagePort, workerPort } = aLine();
    const built = Promise.withResolvers<EngineCalls>();
    serve(workerPort, () => built.promise, noFault);
    const { calls } = connect(pagePort);

    const answer = calls.lock();
    built.resolve(anEngine({ lock: async () => ok(null) }));

    expect(await answer).toEqual(ok(null));
  });

  test("[N2] waits for a far end that does not listen yet", async () => {
    const { pagePort, workerPort } = aLine();
    const { calls } = connect(pagePort);
    const answer = calls.lock();

    serve(workerPort, async () => anEngine({ lock: async () => ok(null) }), noFault);

    expect(await answer).toEqual(ok(null));
  });

  test.each(["page", "engine"] as const)(
    "[N2] is lost to nobody when the %s comes first, on a line that keeps nothing",
    async (first) => {
      const { pagePort, workerPort } = aLossyLine();
      const engine = anEngine({ lock: async () => ok(null) });
      const begin = () => serve(workerPort, async () => engine, noFault);

      if (first === "engine") begin();
      const { calls } = connect(pagePort);
      const answer = calls.lock();
      if (first === "page") begin();

      expect(await answer).toEqual(ok(null));
    },
  );

  test("[N3] that was aborted before it was made, or before there was an engine, reaches none", async () => {
    const { pagePort, workerPort, said } = aLossyLine();
    const built = Promise.withResolvers<EngineCalls>();
    serve(workerPort, () => built.promise, noFault);
    const { calls } = connect(pagePort);
    let searches = 0;
    const engine = anEngine({
      search: async () => {
        searches++;
        return ok([]);
      },
      lock: async () => ok(null),
    });
    const input = { query: "x", conversationId: null, limit: 1 };
    const early = new AbortController();
    const cancelled = { ok: false, failure: { kind: "bridge/cancelled" } };

    expect(await calls.search(input, { signal: AbortSignal.abort() })).toEqual(cancelled);
    const waiting = calls.search(input, { signal: early.signal });
    const last = calls.lock();
    await Promise.resolve();
    early.abort();
    built.resolve(engine);

    expect([await waiting, await last]).toEqual([cancelled, ok(null)]);
    expect(searches).toBe(0);
    expect(said.filter((one) => (one as { type: string }).type === "call")).toHaveLength(2);
  });

  test("[N3] is aborted by its signal on both ends", async () => {
    const { pagePort, workerPort } = aLine();
    const seen = Promise.withResolvers<AbortSignal>();
    const aborted = Promise.withResolvers<boolean>();
    const engine = anEngine({
      search: ((_input: unknown, options: CallOptions) => {
        seen.resolve(options.signal as AbortSignal);
        return new Promise<Result<never, BridgeFailure>>(() => undefined);
      }) as EngineCalls["search"],
    });
    serve(workerPort, async () => engine, noFault);
    const { calls } = connect(pagePort);
    const abort = new AbortController();

    const answer = calls.search(
      { query: "x", conversationId: null, limit: 1 },
      { signal: abort.signal },
    );
    (await seen.promise).addEventListener("abort", () => aborted.resolve(true));
    abort.abort();

    expect(await answer).toEqual({ ok: false, failure: { kind: "bridge/cancelled" } });
    expect(await aborted.promise).toBe(true);
  });

  test("[N4] fails when the far end says goodbye, and so does every later one", async () => {
    const { pagePort, workerPort } = aLine();
    const entered = Promise.withResolvers<null>();
    const aborted = Promise.withResolvers<void>();
    const engine = anEngine({
      lock: ((_input: unknown, { signal }: CallOptions) => {
        signal?.addEventListener("abort", () => aborted.resolve());
        entered.resolve(null);
        return new Promise(() => undefined);
      }) as EngineCalls["lock"],
    });
    const server = serve(workerPort, async () => engine, noFault);
    const client = connect(pagePort);
    const pending = client.calls.lock();
    await entered.promise;

    server.close();
    await aborted.promise;

    const gone = { ok: false, failure: { kind: "bridge/gone" } };
    expect(await pending).toEqual(gone);
    expect(await client.calls.lock()).toEqual(gone);
  });

  test("[N4] fails at once when the page finds the far end dead", async () => {
    const { pagePort } = aLine();
    const client = connect(pagePort);
    let heard = 0;
    client.onGone(() => heard++);
    const pending = client.calls.lock();

    client.fail();
    client.fail();

    expect(await pending).toEqual({ ok: false, failure: { kind: "bridge/gone" } });
    expect(heard).toBe(1);
  });

  test("[N5] that throws answers with a fault that carries nothing of what was thrown", async () => {
    const { pagePort, workerPort } = aLine();
    const faults: unknown[] = [];
    const bug = new Error("inner words");
    const engine = anEngine({ lock: () => Promise.reject(bug) });
    serve(
      workerPort,
      async () => engine,
      (error, call) => faults.push([error, call]),
    );
    const { calls } = connect(pagePort);

    expect(await calls.lock()).toEqual({ ok: false, failure: { kind: "bridge/fault" } });
    expect(faults).toEqual([[bug, "lock"]]);
  });

  test("[N5] that is not in the vocabulary is refused by name", async () => {
    const { pagePort, workerPort } = aLine();
    serve(workerPort, async () => anEngine({}), noFault);
    const answer = new Promise((resolve) => {
      pagePort.addEventListener("message", ({ data }) => {
        if (data.type === "answer") resolve(data.result);
      });
    });
    pagePort.start();

    pagePort.postMessage({ type: "call", id: 7, name: "constructor", input: null });

    expect(await answer).toEqual({ ok: false, failure: { kind: "bridge/unknown-call" } });
  });
});

describe("an event over the bridge", () => {
  test("[N1] reaches every listener until it leaves", async () => {
    const { pagePort, workerPort } = aLine();
    const server = serve(workerPort, async () => anEngine({ lock: async () => ok(null) }), noFault);
    const client = connect(pagePort);
    const heard: string[] = [];
    client.onEvent((event) => heard.push(`a ${event.type}`));
    const leave = client.onEvent((event) => heard.push(`b ${event.type}`));

    server.emit({ type: "engine-restarted" });
    await client.calls.lock();
    leave();
    server.emit({ type: "connection", connection: { status: "online" } });
    await client.calls.lock();

    expect(heard).toEqual(["a engine-restarted", "b engine-restarted", "a connection"]);
  });
});

test("[N5] the vocabulary has every call once", () => {
  expect(new Set(CALL_NAMES).size).toBe(CALL_NAMES.length);
  expect(CALL_NAMES).toContain("describeSecurity");
});
