import { describe, expect, test } from "vitest";
import { hostClaimedBy, imageHost, safeLink } from "./url-policy.ts";

describe("addresses of a message", () => {
  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://a/b",
    "//h",
    "/\\h",
    "\\\\h",
    "https:h",
    "https:/h",
    "https:///h",
    "/local",
    "local",
    "#id",
    "?q",
    "",
    "https://good@evil.example/",
    "https://a:b@evil.example/",
    "https://good\\@evil.example/",
    "https://good%5C@evil.example/",
    "https://a.example/\u202egpj",
    "https://a\u200b.example/",
    "java\nscript:alert(1)",
    " https://a.example",
    "https://a.example/\u0000",
    "ftp://a.example",
    "tel:1",
    "ws://a.example",
    "intent://a#Intent;end",
    "https://",
  ])("[U20] %j stays plain text", (address) => {
    expect(safeLink(address)).toBeNull();
  });

  test("[U20] an address of more than 2,048 characters stays plain text", () => {
    expect(safeLink(`https://a.example/${"x".repeat(2_100)}`)).toBeNull();
  });

  test("[U20] https, http and mailto may be links", () => {
    expect(safeLink("https://Docs.Example.co.uk:8443/a?b#c")).toEqual({
      href: "https://docs.example.co.uk:8443/a?b#c",
      scheme: "https",
      host: "docs.example.co.uk:8443",
      registrable: "example.co.uk",
      isPunycode: false,
    });
    expect(safeLink("http://a.example/")?.scheme).toBe("http");
  });

  test("[U21] of a mail address only the receiver is kept", () => {
    expect(safeLink("mailto:ada@example.org?subject=x&bcc=spy@evil.example&body=y")).toMatchObject({
      href: "mailto:ada@example.org",
      host: "ada@example.org",
      registrable: "example.org",
    });
    expect(safeLink("mailto:a@b.example,c@d.example")).toBeNull();
    expect(safeLink("mailto:")).toBeNull();
  });

  test("[U22] a host in letters of other scripts is shown in its plain form and marked", () => {
    const link = safeLink("https://аpple.example/");

    expect(link?.host).toMatch(/^xn--/);
    expect(link?.isPunycode).toBe(true);
  });

  test("[U22] words that name another host are found out", () => {
    const link = safeLink("https://evil.example/login");

    expect(link && hostClaimedBy("https://bank.example/login", link)).toBe("bank.example");
    expect(link && hostClaimedBy("Evil.example", link)).toBeNull();
    expect(link && hostClaimedBy("click here", link)).toBeNull();
  });

  test("[U22] a numeric host has no shorter name", () => {
    expect(safeLink("https://192.168.0.1/")?.registrable).toBe("192.168.0.1");
    expect(safeLink("https://[::1]:80/")?.registrable).toBe("[::1]");
  });

  test("an image's host is shown only when it is one", () => {
    expect(imageHost("https://cdn.example/p.png?q=1")).toBe("cdn.example");
    expect(imageHost("data:image/png;base64,xx")).toBeNull();
    expect(imageHost("/local.png")).toBeNull();
  });
});
