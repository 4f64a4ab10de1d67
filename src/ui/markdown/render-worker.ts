/** Parses and colours text that is too large or too doubtful for the page. Holds no keys and may be killed at any moment. */
import { highlight, type CodePiece } from "./highlight.ts";
import { parseMarkdown, type ParseOptions } from "./pipeline.ts";
import type { HastRoot } from "./tree.ts";

export type RenderJob =
  | { readonly kind: "markdown"; readonly text: string; readonly options: ParseOptions }
  | { readonly kind: "highlight"; readonly language: string; readonly code: string };

/** Null when the text would draw too much, has no grammar, or broke the parser. */
export type RenderAnswer = HastRoot | readonly CodePiece[] | null;

/** Only what is used of a worker's own scope; the window's types say `self` is a window. */
type Scope = {
  onmessage: ((event: { readonly data: RenderJob }) => void) | null;
  postMessage(answer: RenderAnswer): void;
};

const scope = self as unknown as Scope;

scope.onmessage = ({ data }) => scope.postMessage(answer(data));

function answer(job: RenderJob): RenderAnswer {
  try {
    return job.kind === "markdown"
      ? parseMarkdown(job.text, job.options)
      : highlight(job.language, job.code);
  } catch {
    return null;
  }
}
