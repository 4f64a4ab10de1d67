/** The one way from Markdown to a tree: the same plugins on the page and in the render worker. */
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";
import { countNodes, rehypeGuard } from "./guard.ts";
import { MAX_NODES } from "./gate.ts";
import type { HastRoot } from "./tree.ts";

/** What differs between messages: a prefix for their footnotes, and the words in the footnotes' own furniture. */
export type ParseOptions = {
  readonly footnotePrefix: string;
  readonly footnotesTitle: string;
};

export const remarkPlugins = [remarkGfm];

export const rehypePluginsFor = ({ footnotePrefix }: ParseOptions) =>
  [[rehypeGuard, { footnotePrefix }]] as [[typeof rehypeGuard, { footnotePrefix: string }]];

export const remarkRehypeOptionsFor = ({ footnotePrefix, footnotesTitle }: ParseOptions) => ({
  clobberPrefix: footnotePrefix,
  footnoteLabel: footnotesTitle,
});

/** The guarded tree of a text, or null when it would draw too much. Takes as long as the text wants: call it in the worker. */
export function parseMarkdown(text: string, options: ParseOptions): HastRoot | null {
  const processor = unified()
    .use(remarkParse)
    .use(remarkGfm)
    .use(remarkRehype, remarkRehypeOptionsFor(options))
    .use(rehypeGuard, { footnotePrefix: options.footnotePrefix });
  const tree = processor.runSync(processor.parse(text)) as HastRoot;
  return countNodes(tree) > MAX_NODES ? null : tree;
}
