import { describe, expect, test } from "vitest";
import { checkAddress } from "./address.ts";

const LOCAL_PAGE = "http://localhost:5173";
const PUBLIC_PAGE = "https://parley.example";

test.each([
  ["ws://localhost:8080", "socket", "ws://localhost:8080/"],
  ["localhost:8080", "socket", "ws://localhost:8080/"],
  ["agents.example:9000/x?y=1", "socket", "wss://agents.example:9000/x?y=1"],
  ["192.168.1.7:11434", "http", "http://192.168.1.7:11434/"],
  ["https://h.example/v1#part", "http", "https://h.example/v1"],
  ["http://h.example", "socket", "ws://h.example/"],
  ["wss://h.example", "http", "https://h.example/"],
  [" http://[::1]:8080/ ", "http", "http://[::1]:8080/"],
] as const)("[A80] %s over a %s is %s", (typed, transport, url) => {
  expect(checkAddress(typed, transport, LOCAL_PAGE)).toMatchObject({ ok: true, value: { url } });
});

describe("[A81] an address that leads nowhere is refused", () => {
  test.each([
    ["", "channels/bad-address"],
    ["not an address", "channels/bad-address"],
    ["http://", "channels/bad-address"],
    ["ftp://h.example", "channels/scheme-not-allowed"],
    ["javascript:alert(1)", "channels/scheme-not-allowed"],
    ["file:///etc/passwd", "channels/scheme-not-allowed"],
    ["data:text/html,x", "channels/scheme-not-allowed"],
    ["http://me:pw@h.example", "channels/credentials-in-address"],
  ])("%s: %s", (typed, kind) => {
    expect(checkAddress(typed, "http", LOCAL_PAGE)).toEqual({ ok: false, failure: { kind } });
  });
});

test("[A82] a page over TLS takes a plain line to this machine only", () => {
  const check = (typed: string) => checkAddress(typed, "socket", PUBLIC_PAGE);

  expect(check("ws://192.168.1.7:8080")).toEqual({
    ok: false,
    failure: { kind: "channels/mixed-content" },
  });
  expect(check("ws://127.0.0.1:8080").ok).toBe(true);
  expect(check("wss://h.example").ok).toBe(true);
  expect(checkAddress("ws://192.168.1.7:8080", "socket", null).ok).toBe(true);
});

test("[A83] what can be read on the way and what lies in a private network is said", () => {
  const about = (typed: string) => {
    const checked = checkAddress(typed, "socket", LOCAL_PAGE);
    return checked.ok
      ? [checked.value.isReadableOnTheWay, checked.value.isPrivateNetwork]
      : checked.failure;
  };

  expect(about("ws://localhost:8080")).toEqual([false, true]);
  expect(about("ws://10.0.0.5")).toEqual([true, true]);
  expect(about("wss://nas.local")).toEqual([false, true]);
  expect(about("ws://agents.example")).toEqual([true, false]);
});

test("[A84] the likely causes of silence fit the page and the address", () => {
  const causes = (typed: string, page: string | null) => {
    const checked = checkAddress(typed, "http", page);
    return checked.ok ? checked.value.likelyCauses : [];
  };

  expect(causes("http://localhost:9527", LOCAL_PAGE)).toEqual([
    "server-down",
    "wrong-path",
    "cross-origin-refused",
    "page-policy",
  ]);
  expect(causes("https://nas.local", PUBLIC_PAGE)).toEqual([
    "server-down",
    "wrong-path",
    "cross-origin-refused",
    "private-network",
    "certificate",
    "page-policy",
  ]);
  expect(causes("http://localhost:9527", null)).toEqual(["server-down", "wrong-path"]);
});
