import { memo, useEffect, useState } from "react";
import { Button } from "#ui/kit/Button.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./CodeBlock.module.css";
import { HiddenText } from "./HiddenText.tsx";
import type { CodePiece } from "./highlight.ts";
import { useRenderJobs } from "./MarkdownContext.tsx";
import { useCopy } from "./use-copy.ts";

/** Above this, colours cost more than they tell. */
const MAX_COLOURED_CHARACTERS = 40_000;

type CodeBlockProps = {
  language: string;
  code: string;
  /** A fence that still grows: no colours, nothing to copy. */
  isOpen?: boolean;
  /** Copying waits until the message is proven. */
  canCopy?: boolean;
};

/** Code with its language's name, a copy button and, once it stands still, colours. */
export const CodeBlock = memo(function CodeBlock({
  language,
  code,
  isOpen = false,
  canCopy = true,
}: CodeBlockProps) {
  const t = useText();
  const pieces = useColours(isOpen ? "" : language, code);
  const { copy, isCopied } = useCopy();
  const name = languageName(language) ?? t("code.plain");
  return (
    <figure className={styles.block} dir="ltr">
      <figcaption className={styles.head}>
        <span className={styles.language}>{name}</span>
        {canCopy && !isOpen && (
          <Button
            size="small"
            variant="quiet"
            icon={isCopied ? "check" : "copy"}
            aria-label={t("code.copy")}
            onClick={() => copy(code, "command")}
          >
            {isCopied ? t("general.copied") : t("general.copy")}
          </Button>
        )}
      </figcaption>
      {/* Scrolls sideways, so it must be reachable by keyboard. */}
      <pre
        className={styles.code}
        tabIndex={0}
        role="region"
        aria-label={t("code.region", { language: name })}
      >
        <code>{pieces === null ? <HiddenText text={code} /> : pieces.map(drawPiece)}</code>
      </pre>
    </figure>
  );
});

const drawPiece = ([scope, text]: CodePiece, at: number) =>
  scope === null ? (
    <HiddenText key={at} text={text} />
  ) : (
    <span key={at} className={styles[scope]}>
      <HiddenText text={text} />
    </span>
  );

/** The coloured pieces once the worker has them; null until then and where there is no grammar. */
function useColours(language: string, code: string): readonly CodePiece[] | null {
  const jobs = useRenderJobs();
  const [coloured, setColoured] = useState<{
    readonly code: string;
    readonly pieces: readonly CodePiece[];
  } | null>(null);
  useEffect(() => {
    if (jobs === null || language === "" || code.length > MAX_COLOURED_CHARACTERS) return undefined;
    let isCurrent = true;
    void jobs.highlight(language, code).then((pieces) => {
      if (isCurrent && pieces !== null) setColoured({ code, pieces });
    });
    return () => {
      isCurrent = false;
    };
  }, [jobs, language, code]);
  return coloured?.code === code ? coloured.pieces : null;
}

const NAMES: Readonly<Record<string, string>> = {
  bash: "Bash",
  c: "C",
  cpp: "C++",
  csharp: "C#",
  css: "CSS",
  diff: "Diff",
  go: "Go",
  html: "HTML",
  java: "Java",
  javascript: "JavaScript",
  js: "JavaScript",
  json: "JSON",
  jsx: "JSX",
  kotlin: "Kotlin",
  markdown: "Markdown",
  md: "Markdown",
  php: "PHP",
  py: "Python",
  python: "Python",
  ruby: "Ruby",
  rust: "Rust",
  sh: "Shell",
  shell: "Shell",
  sql: "SQL",
  swift: "Swift",
  toml: "TOML",
  ts: "TypeScript",
  tsx: "TSX",
  typescript: "TypeScript",
  xml: "XML",
  yaml: "YAML",
  yml: "YAML",
};

/** A language's own name; an unknown one as it was written, if it is a word at all. */
function languageName(language: string): string | null {
  const word = language.toLowerCase();
  if (Object.hasOwn(NAMES, word)) return NAMES[word] ?? null;
  return /^[a-z0-9+#.-]{1,30}$/.test(word) ? word : null;
}
