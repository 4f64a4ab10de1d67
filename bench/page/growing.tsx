/** An answer that grows, drawn by ours and by its peers. */
import type { ReactNode } from "react";
import type { Root } from "react-dom/client";
import { flushSync } from "react-dom";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { Streamdown } from "streamdown";
import { systemClock } from "#base/clock.ts";
import { Markdown } from "#ui/markdown/Markdown.tsx";
import { MarkdownProvider } from "#ui/markdown/MarkdownContext.tsx";
import { createRenderJobs, type RenderWorker } from "#ui/markdown/render-jobs.ts";
import { KitProvider } from "#ui/kit/KitProvider.tsx";
import "#ui/style/base.css";
import { loadText, TextProvider } from "#ui/text/text.tsx";
import renderWorkerUrl from "../../src/ui/markdown/render-worker.ts?worker&url";
import { answerOf } from "./answer.ts";

export type Way = "ours" | "react-markdown" | "streamdown";

const jobs = createRenderJobs(
  () => new Worker(renderWorkerUrl, { type: "module" }) as RenderWorker,
  systemClock,
);
const words = await loadText("en");

function drawingOf(way: Way): (text: string) => ReactNode {
  switch (way) {
    case "ours":
      return (text) => (
        <TextProvider text={words}>
          <KitProvider>
            <MarkdownProvider jobs={jobs}>
              <Markdown text={text} isOpen isProven={false} />
            </MarkdownProvider>
          </KitProvider>
        </TextProvider>
      );
    case "react-markdown":
      return (text) => (
        <ReactMarkdown skipHtml remarkPlugins={[remarkGfm]}>
          {text}
        </ReactMarkdown>
      );
    case "streamdown":
      return (text) => <Streamdown>{text}</Streamdown>;
  }
}

const frame = (): Promise<unknown> => new Promise((next) => requestAnimationFrame(next));

/**
 * Draws the text from `from` to `to` characters in `deltas` pieces. A frame is painted after each `perFrame` of them; the text
 * is drawn anew after each `perDrawing`. Gives what stands on the page at the end.
 */
export async function growAnswer(
  root: Root,
  way: Way,
  size: { from: number; to: number; deltas: number; perFrame: number; perDrawing: number },
): Promise<string> {
  const text = answerOf(size.to);
  const draw = drawingOf(way);
  for (let delta = 1; delta <= size.deltas; delta++) {
    const length = size.from + Math.round(((size.to - size.from) * delta) / size.deltas);
    if (delta % size.perDrawing === 0 || delta === size.deltas)
      flushSync(() => root.render(draw(text.slice(0, length))));
    if (delta % size.perFrame === 0) await frame();
  }
  const shown = document.getElementById("root")?.textContent ?? "";
  flushSync(() => root.render(null));
  return shown;
}
