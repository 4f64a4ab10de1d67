/**
 * The last word on what a message may draw: a list of elements and properties, everything else is dropped.
 *
 * Runs on the tree after remark-rehype, on the page and in the render worker alike. Text is cut here into words, mentions
 * and marks for hidden characters. No URL gets through that the policy does not allow.
 */
import { splitHidden } from "./hidden.ts";
import type { HastChild, HastElement, HastNode, HastRoot } from "./tree.ts";
import { imageHost, safeLink } from "./url-policy.ts";

/** Elements of our own, drawn by our own components; no message can write them, because raw HTML is dropped. */
export const MENTION_TAG = "x-mention";
export const HIDDEN_TAG = "x-hidden";
export const IMAGE_TAG = "x-image";
export const TASK_TAG = "x-task";

const ELEMENTS: ReadonlySet<string> = new Set([
  "a",
  "blockquote",
  "br",
  "code",
  "del",
  "em",
  "h1",
  "h2",
  "h3",
  "h4",
  "hr",
  "li",
  "ol",
  "p",
  "pre",
  "section",
  "strong",
  "sup",
  "table",
  "tbody",
  "td",
  "th",
  "thead",
  "tr",
  "ul",
]);
const LANGUAGE = /^language-([a-z0-9+-]{1,30})$/;
const MENTION = /@<U:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})>/g;

/** A plugin for unified: `footnotePrefix` is the random text that in-page links must begin with. */
export function rehypeGuard(options: { readonly footnotePrefix: string }) {
  return (tree: HastNode): void => {
    if (tree.type !== "root") return;
    tree.children = guardChildren(tree, options.footnotePrefix, false);
  };
}

function guardChildren(
  parent: HastRoot | HastElement,
  prefix: string,
  isCode: boolean,
): HastChild[] {
  const kept: HastChild[] = [];
  for (const child of parent.children) {
    if (child.type === "text") kept.push(...cutText(child.value, isCode));
    else if (child.type === "element") kept.push(...guardElement(child, prefix, isCode));
  }
  return kept;
}

function guardElement(element: HastElement, prefix: string, isCode: boolean): HastChild[] {
  if (element.tagName === "img") return [imagePlaceholder(element)];
  if (element.tagName === "input")
    return [make(TASK_TAG, element.properties["checked"] === true ? { dataDone: "" } : {})];
  const tagName = /^h[56]$/.test(element.tagName) ? "h4" : element.tagName;
  const children = guardChildren(element, prefix, isCode || tagName === "code");
  // What is not on the list leaves its words behind.
  if (!ELEMENTS.has(tagName)) return children;
  return [make(tagName, guardProperties(element, tagName, prefix), children)];
}

function guardProperties(
  element: HastElement,
  tagName: string,
  prefix: string,
): HastElement["properties"] {
  const given = element.properties;
  switch (tagName) {
    case "a":
      return linkProperties(element, prefix);
    case "code":
      return languageProperties(given["className"]);
    case "ol":
      return typeof given["start"] === "number" ? { start: given["start"] } : {};
    case "td":
    case "th":
      return ["left", "right", "center"].includes(String(given["align"]))
        ? { align: String(given["align"]) }
        : {};
    case "li": {
      const id = String(given["id"] ?? "");
      if (id.startsWith(prefix)) return { id };
      return Array.isArray(given["className"]) && given["className"].includes("task-list-item")
        ? { dataTask: "" }
        : {};
    }
    case "section":
      return given["dataFootnotes"] === undefined ? {} : { dataFootnotes: "" };
    case "h2":
      return given["id"] === "footnote-label" ? { dataFootnoteLabel: "" } : {};
    default:
      return {};
  }
}

function linkProperties(element: HastElement, prefix: string): HastElement["properties"] {
  const href = String(element.properties["href"] ?? "");
  if (href.startsWith(`#${prefix}`)) {
    const id = String(element.properties["id"] ?? "");
    const kind = element.properties["dataFootnoteBackref"] === undefined ? "reference" : "back";
    return {
      dataJump: href.slice(1),
      dataJumpKind: kind,
      ...(id.startsWith(prefix) ? { id } : {}),
    };
  }
  const link = safeLink(href);
  return link === null ? {} : { href: link.href };
}

function languageProperties(className: unknown): HastElement["properties"] {
  const names = Array.isArray(className) ? className.map(String) : [];
  const language = names.map((name) => LANGUAGE.exec(name.toLowerCase())?.[1]).find(Boolean);
  return language === undefined ? {} : { className: [`language-${language}`] };
}

function imagePlaceholder(image: HastElement): HastElement {
  const host = imageHost(String(image.properties["src"] ?? ""));
  const alt = String(image.properties["alt"] ?? "").slice(0, 1_000);
  return make(IMAGE_TAG, host === null ? {} : { dataHost: host }, [...cutText(alt, true)]);
}

/** Text with its mentions and hidden characters as elements. In code an `@<U:…>` is only text. */
function cutText(value: string, isCode: boolean): HastChild[] {
  const children: HastChild[] = [];
  let from = 0;
  if (!isCode)
    for (const match of value.matchAll(MENTION)) {
      children.push(...cutHidden(value.slice(from, match.index)));
      children.push(make(MENTION_TAG, { dataId: match[1] ?? "" }, [text(match[0])]));
      from = match.index + match[0].length;
    }
  children.push(...cutHidden(value.slice(from)));
  return children;
}

const cutHidden = (value: string): HastChild[] =>
  splitHidden(value).map((run) =>
    run.kind === "text"
      ? text(run.text)
      : make(HIDDEN_TAG, { dataCode: run.code, dataCount: String(run.count) }),
  );

const text = (value: string): HastChild => ({ type: "text", value });

const make = (
  tagName: string,
  properties: HastElement["properties"],
  children: HastChild[] = [],
): HastElement => ({
  type: "element",
  tagName,
  properties,
  children: children as HastElement["children"],
});

/** Elements and texts in a tree; for the limit on what is drawn. */
export function countNodes(node: HastNode): number {
  return "children" in node ? node.children.reduce((sum, child) => sum + countNodes(child), 1) : 1;
}
