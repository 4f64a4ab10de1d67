/** Colours code by kind of word. Runs in the render worker; the page gets pieces of text and one of five names. */
import { common, createLowlight } from "lowlight";
import type { HastNode } from "./tree.ts";

/** What a piece of code is, as far as its colour goes; null is plain. */
export type CodeScope = "word" | "text" | "name" | "value" | "quiet" | null;
export type CodePiece = readonly [scope: CodeScope, text: string];

const lowlight = createLowlight(common);

/** The pieces of a code text, or null for a language without a grammar. */
export function highlight(language: string, code: string): readonly CodePiece[] | null {
  if (!lowlight.registered(language)) return null;
  const pieces: CodePiece[] = [];
  collect(lowlight.highlight(language, code) as HastNode, null, pieces);
  return pieces;
}

const SCOPE_BY_CLASS: Readonly<Record<string, CodeScope>> = {
  "hljs-keyword": "word",
  "hljs-selector-tag": "word",
  "hljs-selector-pseudo": "word",
  "hljs-tag": "quiet",
  "hljs-name": "word",
  "hljs-built_in": "name",
  "hljs-type": "name",
  "hljs-title": "name",
  "hljs-section": "name",
  "hljs-attr": "name",
  "hljs-attribute": "name",
  "hljs-property": "name",
  "hljs-selector-class": "name",
  "hljs-selector-id": "name",
  "hljs-string": "text",
  "hljs-regexp": "text",
  "hljs-addition": "text",
  "hljs-char": "text",
  "hljs-number": "value",
  "hljs-literal": "value",
  "hljs-symbol": "value",
  "hljs-bullet": "value",
  "hljs-variable": "value",
  "hljs-template-variable": "value",
  "hljs-deletion": "value",
  "hljs-comment": "quiet",
  "hljs-quote": "quiet",
  "hljs-meta": "quiet",
  "hljs-doctag": "quiet",
};

function collect(node: HastNode, scope: CodeScope, pieces: CodePiece[]): void {
  if (node.type === "text") {
    const last = pieces.at(-1);
    if (last !== undefined && last[0] === scope)
      pieces[pieces.length - 1] = [scope, last[1] + node.value];
    else pieces.push([scope, node.value]);
  }
  if (!("children" in node)) return;
  const names = node.type === "element" ? node.properties["className"] : undefined;
  const own = (Array.isArray(names) ? names : [])
    .map((name) => SCOPE_BY_CLASS[String(name)])
    .find(Boolean);
  for (const child of node.children) collect(child, own ?? scope, pieces);
}
