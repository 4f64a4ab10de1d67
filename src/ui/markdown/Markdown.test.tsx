import { readFileSync } from "node:fs";
import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, test } from "vitest";
import { en } from "#ui/text/en.ts";
import { makeText, TextProvider } from "#ui/text/text.tsx";
import { Markdown, type MarkdownProps } from "./Markdown.tsx";
import { MarkdownProvider } from "./MarkdownContext.tsx";

const TEXT = makeText("en", en);
const ADA = "00000000-0000-7000-8000-000000000001";

const draw = (text: string, props: Partial<MarkdownProps> = {}): string =>
  renderToStaticMarkup(
    <TextProvider text={TEXT}>
      <MarkdownProvider jobs={null}>
        <Markdown text={text} isProven mentionNameById={{ [ADA]: "Ada" }} {...props} />
      </MarkdownProvider>
    </TextProvider>,
  );

/** Elements that no message may bring with it. */
const FORBIDDEN =
  /<(?:script|style|iframe|img|image|object|embed|link|meta|base|form|input|video|audio|source|svg(?![^>]*aria-hidden)|math|template|portal)[\s/>]/i;
/** Attributes by which a browser would ask somebody for something, or run something. */
const ASKING =
  /\s(?:src|srcset|poster|background|action|formaction|data|ping|xlink:href|on[a-z]+|style|name)="/i;

const examples = [
  "commonmark-spec-0.31.2",
  "gfm-spec-0.29",
  "gfm-extensions",
  "gfm-regression",
].flatMap((source) =>
  (
    JSON.parse(
      readFileSync(new URL(`vectors/${source}.json`, import.meta.url), "utf8"),
    ) as readonly { readonly markdown: string }[]
  ).map(({ markdown }) => markdown),
);

const isHarmless = (html: string): boolean =>
  !FORBIDDEN.test(html) &&
  !ASKING.test(html.replaceAll(/ style="text-align:(?:left|right|center)"/g, "")) &&
  [...html.matchAll(/ href="([^"]*)"/g)].every(([, href]) =>
    /^(?:https?:|mailto:)/.test(href ?? ""),
  ) &&
  [...html.matchAll(/ id="([^"]*)"/g)].every(([, id]) =>
    /^n\d+-[0-9a-z]+-fn(?:ref)?-/.test(id ?? ""),
  );

describe("drawing Markdown", () => {
  test("[U17] no example of the specifications brings an element, a request or an id of its own", () => {
    const harmful = examples.filter((markdown) => !isHarmless(draw(markdown)));

    expect(examples.length).toBeGreaterThan(1_300);
    expect(harmful).toEqual([]);
  });

  test("[U17] nor does any prefix of every twelfth of them while it still arrives", () => {
    for (const markdown of examples.filter((_, at) => at % 12 === 0))
      for (let length = 1; length <= Math.min(markdown.length, 120); length++) {
        const html = draw(markdown.slice(0, length), { isOpen: true, isProven: false });

        expect(isHarmless(html), markdown.slice(0, length)).toBe(true);
        expect(html).not.toContain("href=");
      }
  });

  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<style>@import 'https://evil.example'</style>",
    "<a href=javascript:alert(1)>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "![x](https://evil.example/p?q=secret)",
    "![x][r]\n\n[r]: https://evil.example/p",
    "[![x](https://evil.example/p)](https://evil.example)",
    "<https://good@evil.example>",
    "[x](//evil.example)",
    "[x](\\\\evil.example)",
    "<math><mtext></mtext></math>",
    "<details open ontoggle=alert(1)>",
    "```html\n<script>alert(1)</script>\n```",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<x-mention data-id=x>y</x-mention>",
    "[x](<javascript:alert(1)>)",
    '[x](vbscript:x "onmouseover=alert(1)")',
    "<base href=//evil.example>",
    '```"><script>alert(1)</script>\n x\n```',
    '~~~ a b="c" onclick=x\n~~~',
    "# <a id=root>",
    "[^x]\n\n[^x]: <img src=1>",
  ])("[U17] %j stays words", (markdown) => {
    const html = draw(markdown);

    expect(isHarmless(html), html).toBe(true);
  });

  test("[U17] a reference image shows its host and loads nothing", () => {
    const html = draw("![chart][r]\n\n[r]: https://cdn.example/p.png?u=1");

    expect(html).toContain("chart");
    expect(html).toContain("Image from cdn.example");
    expect(html).not.toContain("p.png");
  });

  test("[U18] headings have no ids and none is deeper than the fourth", () => {
    const html = draw("# a\n\n##### b\n\n###### c");

    expect(html).toContain("<h1>a</h1>");
    expect(html).toContain("<h4>b</h4>");
    expect(html).toContain("<h4>c</h4>");
    expect(html).not.toMatch(/<h\d[^>]* id=/);
  });

  test("[U18] footnotes of two messages on a page never share an id", () => {
    const ids = (html: string): readonly string[] =>
      [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id ?? "");
    const first = ids(draw("a[^1]\n\n[^1]: b"));
    const second = ids(draw("a[^1]\n\n[^1]: b"));

    expect(first).toHaveLength(2);
    expect(first.some((id) => second.includes(id))).toBe(false);
  });

  test("[U18] a task list is drawn with marks that say whether a task is done", () => {
    const html = draw("- [x] a\n- [ ] b");

    expect(html).toContain('aria-label="Done"');
    expect(html).toContain('aria-label="Not done"');
  });

  test("[U18] a table may be scrolled by keyboard", () => {
    expect(draw("| a |\n|---|\n| b |")).toMatch(/<div[^>]* tabindex="0"[^>]*><table>/);
  });

  test("[U19] a link of a proven message opens apart from us and tells nobody where it was", () => {
    const html = draw("[x](https://a.example/b)");

    expect(html).toContain('href="https://a.example/b"');
    expect(html).toContain('target="_blank"');
    expect(html).toContain('rel="noopener noreferrer nofollow ugc"');
    expect(html).toContain('referrerPolicy="no-referrer"');
  });

  test("[U19] before a message is proven no link is live and nothing can be copied", () => {
    const html = draw("[x](https://a.example/b)\n\n```sh\nls\n```\n", { isProven: false });

    expect(html).not.toContain("href");
    expect(html).not.toContain("<button");
    expect(draw("```sh\nls\n```\n")).toContain('aria-label="Copy code"');
  });

  test("[U25] a mention is drawn by the present name of whoever is listed, and by nobody else's", () => {
    const other = ADA.replace(/1$/, "2");

    expect(draw(`hi @<U:${ADA}>`)).toMatch(/<bdi>@Ada<\/bdi>/);
    expect(draw(`hi @<U:${other}>`)).toContain(`@&lt;U:${other}&gt;`);
    expect(draw(`hi @<U:__proto__>`)).toContain("@&lt;U:");
  });

  test("[U25] in code a mention is only text", () => {
    expect(draw(`\`@<U:${ADA}>\``)).toContain(`<code>@&lt;U:${ADA}&gt;</code>`);
    expect(draw(`\`\`\`\n@<U:${ADA}>\n\`\`\`\n`)).toContain(`@&lt;U:${ADA}&gt;`);
  });

  test("[U23] hidden characters are drawn as marks in words, in code and in long text", () => {
    for (const text of [
      "a\u202eb",
      "`a\u202eb`",
      "```\na\u202eb\n```\n",
      `a\u202eb ${"x".repeat(70_000)}`,
    ])
      expect(draw(text)).toContain('aria-label="Hidden character U+202E"');
  });

  test("[U12] a fence that has not closed is plain code with the name of its language", () => {
    const html = draw("before\n\n```python\nprint('**x**", { isOpen: true, isProven: false });

    expect(html).toContain("Python");
    expect(html).toContain("print(&#x27;**x**");
    expect(html).not.toContain("<strong>");
  });

  test("[U26] unfinished syntax at the end is drawn as if it were finished", () => {
    const open = { isOpen: true, isProven: false };

    expect(draw("so **bo", open)).toContain("<strong>bo</strong>");
    expect(draw("see [the rep", open)).not.toContain("[");
    expect(draw("see [the report](https://a.exam", open)).not.toContain("a.exam");
    expect(draw("costs $5 and $10", open)).toContain("costs $5 and $10");
  });

  test("[U26] when the text ends it is drawn as if it had never been in pieces", () => {
    const text = "a **b**\n\n- c\n- d\n\n```js\ne\n```\n\nf";

    expect(draw(text, { isOpen: true })).toBe(draw(text));
  });

  test("[U14] what the gate refuses is shown as it was written", () => {
    expect(draw("* ".repeat(2_000))).toContain("* * * *");
    expect(draw("x ".repeat(40_000))).toContain("This text is very long");
  });

  test("[U18] the only class a message gives is the name of a language of plain letters", () => {
    expect(draw('> ```a"b\n> x\n> ```')).not.toMatch(/class="[^"]*a"/);
    expect(draw("> ``` foo&#32;root\n> x\n> ```")).not.toContain("root");
  });
});
