import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { Component, memo, useEffect, useMemo, use, useRef, useState, type ReactNode } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";
import ReactMarkdown from "react-markdown";
import remend from "remend";
import { useText } from "#ui/text/text.tsx";
import {
  createBlockSplitter,
  hasDefinition,
  readClosedFence,
  splitWhole,
  type Split,
} from "./blocks.ts";
import { CodeBlock } from "./CodeBlock.tsx";
import { components, DrawingContext, type Drawing } from "./drawing.tsx";
import { checkGate, HARD_LIMITS } from "./gate.ts";
import { HiddenText } from "./HiddenText.tsx";
import { useRenderJobs } from "./MarkdownContext.tsx";
import styles from "./Markdown.module.css";
import {
  rehypePluginsFor,
  remarkPlugins,
  remarkRehypeOptionsFor,
  type ParseOptions,
} from "./pipeline.ts";
import type { HastRoot } from "./tree.ts";
import { safeLink } from "./url-policy.ts";

export type MarkdownProps = {
  text: string;
  /** While text still arrives: settled blocks are kept, only the tail is read again, open syntax is healed. */
  isOpen?: boolean;
  /** False until the signature over the whole holds: no live links, no copying. */
  isProven: boolean;
  mentionNameById?: Readonly<Record<string, string>>;
  onMention?: ((accountId: string) => void) | undefined;
};

/** A message's Markdown. Loads nothing, runs nothing, and falls back to plain text rather than to a frozen page. */
export const Markdown = memo(function Markdown({
  text,
  isOpen = false,
  isProven,
  mentionNameById = NO_NAMES,
  onMention,
}: MarkdownProps) {
  const drawing = useMemo<Drawing>(
    () => ({ isProven, mentionNameById, onMention: onMention ?? null }),
    [isProven, mentionNameById, onMention],
  );
  return (
    <div className={styles.markdown} dir="auto">
      <PlainOnError text={text}>
        <DrawingContext value={drawing}>
          <Body text={text} isOpen={isOpen} />
        </DrawingContext>
      </PlainOnError>
    </div>
  );
});

const NO_NAMES: Readonly<Record<string, string>> = {};

/** Text that was seen growing keeps its blocks when it ends, unless a definition at its end reaches back into them. */
function Body({ text, isOpen }: { text: string; isOpen: boolean }) {
  const [hasGrown, setGrown] = useState(isOpen);
  if (isOpen && !hasGrown) setGrown(true);
  return isOpen || (hasGrown && !hasDefinition(text)) ? (
    <GrowingText text={text} isOpen={isOpen} />
  ) : (
    <WholeText text={text} />
  );
}

/** Text that will not grow. */
function WholeText({ text }: { text: string }) {
  const options = useParseOptions();
  const blocks = useMemo(
    () => (text.length > HARD_LIMITS.characters ? null : splitWhole(text)),
    [text],
  );
  if (blocks === null) return <LongText text={text} />;
  return blocks.map((block, at) => <Block key={at} text={block} options={options} />);
}

/** Text that grows at its end, or did. */
function GrowingText({ text, isOpen }: { text: string; isOpen: boolean }) {
  const options = useParseOptions();
  const splitter = useRef(createBlockSplitter());
  const { groups, tail, openFence }: Split = splitter.current.read(text);
  return (
    <>
      {groups.map((group, at) => (
        <BlockGroup key={at} blocks={group} options={options} />
      ))}
      {isOpen && openFence !== null ? (
        <CodeBlock {...openFence} isOpen />
      ) : (
        <Tail text={tail} isOpen={isOpen} options={options} />
      )}
    </>
  );
}

/** Settled blocks go by the sixteen, so that React does not visit each of them on every frame. */
const BlockGroup = memo(function BlockGroup({
  blocks,
  options,
}: {
  blocks: readonly string[];
  options: ParseOptions;
}) {
  return blocks.map((block, at) => <Block key={at} text={block} options={options} />);
});

const Block = memo(function Block({ text, options }: { text: string; options: ParseOptions }) {
  const fence = useMemo(() => readClosedFence(text), [text]);
  if (fence !== null) return <FencedBlock {...fence} />;
  switch (checkGate(text)) {
    case "page":
      return <PageParsed text={text} options={options} />;
    case "worker":
      return <WorkerParsed text={text} options={options} />;
    case "plain":
      return <PlainText text={text} />;
  }
});

function FencedBlock({ language, code }: { language: string; code: string }) {
  const { isProven } = use(DrawingContext);
  return <CodeBlock language={language} code={code} canCopy={isProven} />;
}

/** The end of a growing text; unfinished syntax is closed for the eye. */
function Tail({ text, isOpen, options }: { text: string; isOpen: boolean; options: ParseOptions }) {
  if (text.trim() === "") return null;
  if (!isOpen) return <Block text={text} options={options} />;
  if (checkGate(text) !== "page") return <PlainText text={text} />;
  return <PageParsed text={heal(text)} options={options} />;
}

const heal = (text: string): string =>
  // A definition would swallow the line while it is being written.
  hasDefinition(text) ? text : remend(text, { linkMode: "text-only", katex: false });

const PageParsed = memo(function PageParsed({
  text,
  options,
}: {
  text: string;
  options: ParseOptions;
}) {
  return (
    <ReactMarkdown
      skipHtml
      remarkPlugins={remarkPlugins}
      remarkRehypeOptions={remarkRehypeOptionsFor(options)}
      rehypePlugins={rehypePluginsFor(options)}
      urlTransform={(url) => safeLink(url)?.href ?? ""}
      components={components}
    >
      {text}
    </ReactMarkdown>
  );
});

function WorkerParsed({ text, options }: { text: string; options: ParseOptions }) {
  const jobs = useRenderJobs();
  const [parsed, setParsed] = useState<{ readonly text: string; readonly tree: HastRoot } | null>(
    null,
  );
  useEffect(() => {
    if (jobs === null) return undefined;
    let isCurrent = true;
    void jobs.parse(text, options).then((tree) => {
      if (isCurrent && tree !== null) setParsed({ text, tree });
    });
    return () => {
      isCurrent = false;
    };
  }, [jobs, text, options]);
  if (parsed?.text !== text) return <PlainText text={text} />;
  return toJsxRuntime(parsed.tree, {
    Fragment,
    jsx,
    jsxs,
    components,
    ignoreInvalidStyle: true,
    passKeys: true,
    passNode: true,
  });
}

/** The text as it was written. */
export const PlainText = ({ text }: { text: string }) => (
  <p className={styles.plain} dir="auto">
    <HiddenText text={text} />
  </p>
);

const SHOWN_CHARACTERS = 8_192;

/** More than may be formatted: its beginning, and the rest on request. */
function LongText({ text }: { text: string }) {
  const t = useText();
  const [isWhole, setWhole] = useState(false);
  return (
    <>
      <p className={styles.note}>{t("message.tooLong")}</p>
      <PlainText text={isWhole ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`} />
      <button type="button" className={styles.more} onClick={() => setWhole(!isWhole)}>
        {isWhole ? t("message.showLess") : t("message.showAll")}
      </button>
    </>
  );
}

let instances = 0;

/** Footnotes of two messages on one page must not meet, nor may a message guess its neighbour's ids. */
function useParseOptions(): ParseOptions {
  const t = useText();
  const footnotesTitle = t("footnotes.title");
  const [prefix] = useState(() => {
    const chance = crypto.getRandomValues(new Uint32Array(2));
    return `n${(instances += 1)}-${[...chance].map((part) => part.toString(36)).join("")}-`;
  });
  return useMemo(() => ({ footnotePrefix: prefix, footnotesTitle }), [prefix, footnotesTitle]);
}

type BoundaryProps = { text: string; children: ReactNode };

/** A message that cannot be drawn takes no other with it. */
class PlainOnError extends Component<BoundaryProps, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override componentDidUpdate(before: BoundaryProps): void {
    if (this.state.hasFailed && before.text !== this.props.text)
      this.setState({ hasFailed: false });
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <BrokenText text={this.props.text} /> : this.props.children;
  }
}

function BrokenText({ text }: { text: string }) {
  const t = useText();
  return (
    <>
      <p className={styles.note}>{t("message.broken")}</p>
      <PlainText text={text} />
    </>
  );
}
