/** How each element of a guarded tree is drawn. The only elements with behaviour are here. */
import { createContext, use, type ComponentProps, type MouseEvent, type ReactNode } from "react";
import type { Components } from "react-markdown";
import { Icon } from "#ui/kit/Icon.tsx";
import { useText } from "#ui/text/text.tsx";
import { CodeBlock } from "./CodeBlock.tsx";
import { HIDDEN_TAG, IMAGE_TAG, MENTION_TAG, TASK_TAG } from "./guard.ts";
import { HiddenMark } from "./HiddenText.tsx";
import styles from "./Markdown.module.css";
import { useAskToOpen } from "./MarkdownContext.tsx";
import { textOf, type HastElement } from "./tree.ts";

/** What the drawing of one message depends on beside its text. */
export type Drawing = {
  /** Links open and code copies only once the message is proven. */
  readonly isProven: boolean;
  readonly mentionNameById: Readonly<Record<string, string>>;
  readonly onMention: ((accountId: string) => void) | null;
};

export const DrawingContext = createContext<Drawing>({
  isProven: false,
  mentionNameById: {},
  onMention: null,
});

type Drawn<Tag extends keyof React.JSX.IntrinsicElements> = ComponentProps<Tag> & {
  node?: HastElement | undefined;
  [data: `data-${string}`]: string | undefined;
};
type OwnTag = {
  node?: HastElement | undefined;
  children?: ReactNode;
  [data: `data-${string}`]: string | undefined;
};

function Anchor({ href, children, node, ...rest }: Drawn<"a">) {
  const t = useText();
  const { isProven } = use(DrawingContext);
  const ask = useAskToOpen();
  const jump = rest["data-jump"];
  if (jump !== undefined) {
    const isBack = rest["data-jump-kind"] === "back";
    return (
      <button
        type="button"
        id={rest.id}
        className={styles.jump}
        onClick={() => document.getElementById(jump)?.scrollIntoView({ block: "center" })}
        {...(isBack
          ? { "aria-label": t("footnotes.back", { number: jump.replace(/^.*-/, "") }) }
          : {})}
      >
        {isBack ? <Icon name="arrow-up" size={12} /> : children}
      </button>
    );
  }
  if (href === undefined || href === "" || !isProven || ask === null)
    return <span className={href ? styles.sleepingLink : undefined}>{children}</span>;
  const handlePress = (event: MouseEvent): void => {
    event.preventDefault();
    ask(href, node === undefined ? "" : textOf(node));
  };
  return (
    <a
      href={href}
      className={styles.link}
      target="_blank"
      rel="noopener noreferrer nofollow ugc"
      referrerPolicy="no-referrer"
      onClick={handlePress}
      onAuxClick={(event) => event.button === 1 && handlePress(event)}
    >
      {children}
    </a>
  );
}

function Pre({ node }: Drawn<"pre">) {
  const { isProven } = use(DrawingContext);
  const code = node?.children[0];
  if (node === undefined || code?.type !== "element") return null;
  const names = code.properties["className"];
  const language = Array.isArray(names) ? String(names[0] ?? "").replace("language-", "") : "";
  return (
    <CodeBlock language={language} code={codeOf(code).replace(/\n$/, "")} canCopy={isProven} />
  );
}

/** The code as it was written: marks for hidden characters become the characters again. */
const codeOf = (code: HastElement): string =>
  code.children
    .map((child) =>
      child.type === "element" && child.tagName === HIDDEN_TAG
        ? String.fromCodePoint(
            Number.parseInt(String(child.properties["dataCode"]).slice(2), 16),
          ).repeat(Number(child.properties["dataCount"]))
        : textOf(child),
    )
    .join("");

const Table = ({ children }: Drawn<"table">) => (
  <div className={styles.tableFrame} tabIndex={0} role="group">
    <table>{children}</table>
  </div>
);

function ListItem({ children, ...rest }: Drawn<"li">) {
  const isTask = rest["data-task"] !== undefined;
  return (
    <li id={rest.id} className={isTask ? styles.task : undefined}>
      {children}
    </li>
  );
}

const Section = ({ children, ...rest }: Drawn<"section">) => (
  <section className={rest["data-footnotes"] === undefined ? undefined : styles.footnotes}>
    {children}
  </section>
);

const Heading2 = ({ children, ...rest }: Drawn<"h2">) => (
  <h2 className={rest["data-footnote-label"] === undefined ? undefined : styles.footnoteLabel}>
    {children}
  </h2>
);

function Mention(props: OwnTag) {
  const { mentionNameById, onMention } = use(DrawingContext);
  const id = props["data-id"] ?? "";
  const name = Object.hasOwn(mentionNameById, id) ? mentionNameById[id] : undefined;
  // Who is not listed is not mentioned: the placeholder stays what it is, text.
  if (name === undefined) return props.children;
  if (onMention === null)
    return (
      <span className={styles.mention}>
        <bdi>@{name}</bdi>
      </span>
    );
  return (
    <button type="button" className={styles.mention} onClick={() => onMention(id)}>
      <bdi>@{name}</bdi>
    </button>
  );
}

const Hidden = (props: OwnTag) => (
  <HiddenMark code={props["data-code"] ?? ""} count={Number(props["data-count"] ?? 1)} />
);

function BlockedImage({ children, ...props }: OwnTag) {
  const t = useText();
  const host = props["data-host"];
  return (
    <span className={styles.image} title={t("image.notLoaded")}>
      <Icon name="image" />
      <span className={styles.imageText}>
        <bdi>{children}</bdi>
        <span className={styles.imageHost}>
          {host === undefined ? t("image.blockedNoHost") : t("image.blocked", { host })}
        </span>
      </span>
    </span>
  );
}

function Task(props: OwnTag) {
  const t = useText();
  const isDone = props["data-done"] !== undefined;
  return (
    <span
      className={styles.taskMark}
      role="img"
      aria-label={isDone ? t("task.done") : t("task.open")}
      data-done={isDone || undefined}
    >
      {isDone && <Icon name="check" size={12} />}
    </span>
  );
}

const table = {
  a: Anchor,
  pre: Pre,
  table: Table,
  li: ListItem,
  section: Section,
  h2: Heading2,
  [MENTION_TAG]: Mention,
  [HIDDEN_TAG]: Hidden,
  [IMAGE_TAG]: BlockedImage,
  [TASK_TAG]: Task,
};

/** The table that react-markdown and the worker's trees are both drawn with. */
// Our own tags are no JSX elements, and data attributes are read by name, which the library's type does not foresee.
export const components = table as unknown as Components;
