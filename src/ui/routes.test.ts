import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import type { ConversationId, MessageId } from "#stores/views.ts";
import { createRouter, type RouterPlatform } from "./router.ts";
import { parseAddress, routeToPath, SETTINGS_SECTIONS, threadRoute, type Route } from "./routes.ts";

const CONVERSATION = "0199a1b2-0000-7000-8000-00000000c001" as ConversationId;
const MESSAGE = "0199a1b2-0000-7000-8000-00000000e001" as MessageId;

const parse = (path: string) => parseAddress(new URL(path, "https://parley.example"));

describe("addresses", () => {
  test("[U70] every screen has one address that leads back to it", () => {
    const routes: Route[] = [
      { screen: "home" },
      { screen: "contacts" },
      threadRoute(CONVERSATION),
      threadRoute(CONVERSATION, MESSAGE),
      { screen: "settings", section: null },
      ...SETTINGS_SECTIONS.map((section): Route => ({ screen: "settings", section })),
    ];

    expect(routes.map((route) => parse(routeToPath(route)).route)).toEqual(routes);
  });

  test("an id that is none is the home screen, and a message id that is none is left out", () => {
    expect(parse("/c/nope").route).toEqual({ screen: "home" });
    expect(parse(`/c/${CONVERSATION}?m=<b>`).route).toEqual(threadRoute(CONVERSATION));
  });

  test("any path means some screen", () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webFragments(), (path, fragment) => {
        const address = { pathname: path, search: "", hash: `#${fragment}` };

        expect(typeof parseAddress(address).route.screen).toBe("string");
      }),
    );
  });
});

describe("the router", () => {
  function aBrowser(path: string) {
    const entries = [{ url: new URL(path, "https://parley.example"), state: null as unknown }];
    let at = 0;
    let moved = (): void => {};
    const here = () => entries[at] ?? { url: new URL("https://parley.example"), state: null };
    const platform: RouterPlatform = {
      get location() {
        return here().url;
      },
      history: {
        get state() {
          return here().state;
        },
        pushState: (state: unknown, _: string, url) => {
          entries.splice(++at, entries.length, { url: new URL(String(url), here().url), state });
        },
        replaceState: (state: unknown, _: string, url) => {
          entries[at] = { url: new URL(String(url), here().url), state };
        },
        back: () => {
          at--;
          moved();
        },
      },
      onMove: (listener) => void (moved = listener),
    };
    return { platform, entries };
  }

  test("[U71] an invite link is handed on whole and its fragment stays in no history entry", () => {
    const { platform, entries } = aBrowser("/i/abc#fp=xyz");
    const invites: string[] = [];

    const router = createRouter(liveLocation(platform), ({ url }) => invites.push(url));

    expect(invites).toEqual(["/i/abc#fp=xyz"]);
    expect(router.getState().route).toEqual({ screen: "home" });
    expect(entries.map(({ url, state }) => [url.href, state])).toEqual([
      ["https://parley.example/", null],
    ]);
  });

  test("[U101] a device link is handed on whole and its secret stays in no history entry", () => {
    const { platform, entries } = aBrowser("/link#0123ABCD");
    const links: unknown[] = [];

    createRouter(liveLocation(platform), (link) => links.push(link));

    expect(links).toEqual([{ kind: "device", url: "/link#0123ABCD" }]);
    expect(entries.map(({ url, state }) => [url.href, state])).toEqual([
      ["https://parley.example/", null],
    ]);
  });

  test("back walks the app's own steps, and goes up where the app was entered", () => {
    const { platform, entries } = aBrowser(`/c/${CONVERSATION}`);
    const router = createRouter(liveLocation(platform), () => {});

    router.getState().back({ screen: "home" });
    const afterUp = [router.getState().route, entries.length];
    router.getState().go({ screen: "contacts" });
    router.getState().back({ screen: "settings", section: null });

    expect(afterUp).toEqual([{ screen: "home" }, 1]);
    expect(router.getState().route).toEqual({ screen: "home" });
  });

  /** Destructuring must not freeze what the browser changes. */
  function liveLocation(platform: RouterPlatform): RouterPlatform {
    return {
      history: platform.history,
      onMove: platform.onMove,
      location: {
        get pathname() {
          return platform.location.pathname;
        },
        get search() {
          return platform.location.search;
        },
        get hash() {
          return platform.location.hash;
        },
      },
    };
  }
});
