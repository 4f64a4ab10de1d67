import { describe, expect, test } from "vitest";
import { fillShell, routeRequest, shellKeys, trimShell, type ShellStorage } from "./shell-cache.ts";
import { createWorkerUrls, type TrustedTypes } from "./trusted-workers.ts";
import { watchUpdates, type UpdatePlatform } from "./update.ts";

const ORIGIN = "https://parley.example";
const KEYS = shellKeys(
  [
    { url: "assets/main-abc.js", revision: null },
    { url: "index.html", revision: "r1" },
  ],
  ORIGIN,
);

function aStorage() {
  const byKey = new Map<string, Response>();
  const storage = {
    match: async (key: string) => byKey.get(key),
    put: async (key: string, response: Response) => void byKey.set(key, response),
    delete: async (key: string) => byKey.delete(key),
    keys: async () => [...byKey.keys()].map((url) => ({ url })),
  };
  return { byKey, storage: storage as unknown as ShellStorage };
}

describe("the offline shell", () => {
  const route = (path: string, part: { method?: string; mode?: string } = {}) =>
    routeRequest({ method: "GET", mode: "cors", url: ORIGIN + path, ...part }, ORIGIN, KEYS);

  test("[U65] answers the app's own pages and files and lets everything else pass", () => {
    const page = { kind: "file", key: `${ORIGIN}/index.html?revision=r1` };

    expect(route("/", { mode: "navigate" })).toEqual(page);
    expect(route("/c/123?m=4", { mode: "navigate" })).toEqual(page);
    expect(route("/contacts", { mode: "navigate" })).toEqual(page);
    expect(route("/assets/main-abc.js")).toEqual({
      kind: "file",
      key: `${ORIGIN}/assets/main-abc.js`,
    });
    for (const path of ["/files/1", "/conversations/1/entries", "/contacts", "/auth/login"])
      expect(route(path)).toEqual({ kind: "network" });
    expect(route("/health", { mode: "navigate" })).toEqual({ kind: "network" });
    expect(route("/", { method: "POST", mode: "navigate" })).toEqual({ kind: "network" });
  });

  test("a request to another origin passes", () => {
    const request = { method: "GET", mode: "no-cors", url: "https://evil.example/index.html" };

    expect(routeRequest(request, ORIGIN, KEYS)).toEqual({ kind: "network" });
  });

  test("one address takes the worker away", () => {
    expect(route("/unregister-offline", { mode: "navigate" })).toEqual({ kind: "unregister" });
  });

  test("[U66] a build is stored whole or not offered, and only what is missing is fetched", async () => {
    const { byKey, storage } = aStorage();
    const asked: string[] = [];
    const load = async (path: string) => {
      asked.push(path);
      return path === "/index.html" ? new Response("", { status: 503 }) : new Response("js");
    };

    await expect(fillShell(storage, KEYS, load)).rejects.toThrow("did not come");
    await fillShell(storage, KEYS, async (path) => (asked.push(path), new Response("page")));

    expect(asked).toEqual(["/assets/main-abc.js", "/index.html", "/index.html"]);
    expect(byKey.size).toBe(2);
  });

  test("files of older builds leave", async () => {
    const { byKey, storage } = aStorage();
    byKey.set(`${ORIGIN}/index.html?revision=r0`, new Response("old"));
    byKey.set(`${ORIGIN}/index.html?revision=r1`, new Response("new"));

    await trimShell(storage, KEYS);

    expect([...byKey.keys()]).toEqual([`${ORIGIN}/index.html?revision=r1`]);
  });
});

describe("the worker policy", () => {
  const trustedTypes: TrustedTypes = {
    createPolicy: (_name, rules) => ({
      createScriptURL: (url) => ({ trusted: rules.createScriptURL(url) }),
    }),
  };

  test("[U67] gives a trusted URL for our workers only", () => {
    const urls = createWorkerUrls(trustedTypes, ORIGIN, ["/assets/worker-1.js"]);

    expect(urls("/assets/worker-1.js")).toEqual({ trusted: `${ORIGIN}/assets/worker-1.js` });
    for (const url of [
      "https://evil.example/assets/worker-1.js",
      "/assets/other.js",
      "/assets/worker-1.js?x",
      "data:text/javascript,1",
    ])
      expect(() => urls(url)).toThrow(TypeError);
  });

  test("refuses the same where the browser has no trusted types", () => {
    const urls = createWorkerUrls(undefined, ORIGIN, ["/w.js"]);

    expect(urls("/w.js")).toBe(`${ORIGIN}/w.js`);
    expect(() => urls("/v.js")).toThrow(TypeError);
  });
});

describe("updates", () => {
  class FakeWorker extends EventTarget {
    state = "installing";
    readonly messages: unknown[] = [];
    postMessage(message: unknown): void {
      this.messages.push(message);
    }
    become(state: string): void {
      this.state = state;
      this.dispatchEvent(new Event("statechange"));
    }
  }
  function aPlatform(hasController: boolean) {
    const registration = Object.assign(new EventTarget(), {
      waiting: null as FakeWorker | null,
      installing: null as FakeWorker | null,
      update: async () => {},
    });
    const registered: unknown[] = [];
    const container = Object.assign(new EventTarget(), {
      controller: hasController ? {} : null,
      register: async (...input: unknown[]) => {
        registered.push(input);
        return registration;
      },
    });
    let reloads = 0;
    const platform = {
      container,
      workerUrl: "/service-worker.js",
      reload: () => void reloads++,
    } as unknown as UpdatePlatform;
    return { platform, container, registration, registered, reloads: () => reloads };
  }

  test("[U68] a newer build is offered, and takes over only when asked", async () => {
    const { platform, container, registration, registered, reloads } = aPlatform(true);
    const offers: (() => void)[] = [];
    await watchUpdates(platform, (apply) => offers.push(apply));
    const worker = new FakeWorker();
    registration.installing = worker;

    registration.dispatchEvent(new Event("updatefound"));
    worker.become("installed");
    container.dispatchEvent(new Event("controllerchange"));
    const reloadsUnasked = reloads();
    offers[0]?.();
    container.dispatchEvent(new Event("controllerchange"));

    expect(registered).toEqual([["/service-worker.js", { updateViaCache: "none" }]]);
    expect(reloadsUnasked).toBe(0);
    expect(worker.messages).toEqual(["take-over"]);
    expect(reloads()).toBe(1);
  });

  test("the first visit offers nothing", async () => {
    const { platform, registration } = aPlatform(false);
    const offers: unknown[] = [];
    const worker = new FakeWorker();
    registration.installing = worker;

    await watchUpdates(platform, (apply) => offers.push(apply));
    worker.become("installed");

    expect(offers).toEqual([]);
  });
});
