import { Icon, type IconName } from "#ui/kit/Icon.tsx";
import { CodeBlock } from "#ui/markdown/CodeBlock.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { Markdown } from "#ui/markdown/Markdown.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./Blocks.module.css";
import type { CardBlock } from "./card-types.ts";

/** What a card shows beside its own members, in order. */
export function Blocks({ blocks }: { blocks: readonly CardBlock[] | undefined }) {
  if (blocks === undefined || blocks.length === 0) return null;
  return (
    <div className={styles.blocks}>
      {blocks.map((block, at) => (
        <BlockView key={at} block={block} />
      ))}
    </div>
  );
}

type Tone = Extract<CardBlock, { tag: "status" }>["tone"];

const TONE_ICONS: Readonly<Record<Tone, IconName>> = {
  neutral: "note",
  info: "info",
  success: "circle-check",
  warning: "alert",
  danger: "circle-alert",
};

function BlockView({ block }: { block: CardBlock }) {
  const t = useText();
  switch (block.tag) {
    case "text":
      return <Markdown text={block.text} isProven mentionNameById={{}} />;
    case "status":
      return (
        <p className={styles.status} data-tone={block.tone}>
          <Icon name={TONE_ICONS[block.tone]} size={16} />
          <bdi>
            <HiddenText text={block.text} />
          </bdi>
        </p>
      );
    case "table":
      return <Table columns={block.columns} rows={block.rows} />;
    case "code":
      return <CodeBlock language={block.lang ?? ""} code={block.code} />;
    case "image":
      return (
        <p className={styles.quiet}>
          <Icon name="image" size={16} />
          <span>
            {block.alt === "" ? t("media.image") : <HiddenText text={block.alt} />}
            {" · "}
            {t("block.imageNotLoaded")}
          </span>
        </p>
      );
    case "divider":
      return <hr className={styles.divider} />;
    case "unknown":
      return <p className={styles.quiet}>{t("block.unknown", { kind: block.original_tag })}</p>;
  }
}

function Table({ columns, rows }: Pick<Extract<CardBlock, { tag: "table" }>, "columns" | "rows">) {
  const t = useText();
  return (
    // What scrolls sideways has to be reached by keys.
    <div className={styles.scroll} role="region" aria-label={t("block.table")} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map((column, at) => (
              <th key={at} scope="col" dir="auto">
                <HiddenText text={column} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {columns.map((_column, cellAt) => (
                <td key={cellAt} dir="auto">
                  <HiddenText text={row[cellAt] ?? ""} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
