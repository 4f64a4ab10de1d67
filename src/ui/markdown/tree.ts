/** The shapes of a parsed message that we look at, named once. */
import type { toJsxRuntime } from "hast-util-to-jsx-runtime";

export type HastNode = Parameters<typeof toJsxRuntime>[0];
export type HastRoot = Extract<HastNode, { type: "root" }>;
export type HastElement = Extract<HastNode, { type: "element" }>;
export type HastChild = HastElement["children"][number];

/** The text inside a node, in order. */
export function textOf(node: HastNode): string {
  if (node.type === "text") return node.value;
  return "children" in node ? node.children.map((child) => textOf(child)).join("") : "";
}
