import type { ToolPartView } from "#stores/views.ts";
import { Spinner } from "#ui/kit/Spinner.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText, type Say } from "#ui/text/text.tsx";
import cardStyles from "../Card.module.css";
import { CardFrame, type CardTone } from "../CardFrame.tsx";
import { Folded } from "./Folded.tsx";
import styles from "./TurnPart.module.css";

/** A tool of the server: what it was given, what it gave, and a chart where it drew one. */
export function ToolRow({ tool }: { tool: ToolPartView }) {
  const t = useText();
  const { duration } = useFormats();
  const { name, args, status, text, error, extra, chart, startedAt, endedAt } = tool;
  return (
    <CardFrame
      icon="tool"
      kind={t("card.toolCall")}
      title={name}
      tone={TONES[status]}
      state={
        <>
          {status === "running" && <Spinner />}
          <span>{wordOf(status, t)}</span>
          {endedAt !== null && (
            <span> · {t("tool.took", { time: duration(endedAt - startedAt) })}</span>
          )}
        </>
      }
    >
      {error !== "" && (
        <p className={cardStyles.summary} dir="auto">
          <HiddenText text={error} />
        </p>
      )}
      <Folded label={t("tool.arguments")} value={args} />
      <Folded label={t("tool.result")} value={text} />
      {chart !== null && <Chart chart={chart} />}
      {chart === null && <Folded label={t("tool.result")} value={extra} />}
    </CardFrame>
  );
}

const TONES: Readonly<Record<ToolPartView["status"], CardTone>> = {
  running: "accent",
  ok: "proven",
  failed: "danger",
  unknown: "neutral",
};

const wordOf = (status: ToolPartView["status"], t: Say): string =>
  status === "running"
    ? t("tool.running")
    : status === "unknown"
      ? t("turn.toolUnknown")
      : t(status === "ok" ? "tool.ok" : "tool.error");

type ChartView = NonNullable<ToolPartView["chart"]>;

/** Values as a table with bars: it reads aloud, prints, and needs no library. */
function Chart({ chart: { title, labels, series } }: { chart: ChartView }) {
  const largest = Math.max(1, ...series.flatMap(({ values }) => values.map(Math.abs)));
  return (
    <div className={styles.chart}>
      <table>
        {title !== "" && (
          <caption>
            <bdi>{title}</bdi>
          </caption>
        )}
        <tbody>
          {labels.map((label, at) => (
            <tr key={`${label}/${String(at)}`}>
              <th scope="row">
                <bdi>{label}</bdi>
              </th>
              {series.map(({ name, values }) => {
                const value = values[at] ?? 0;
                return (
                  <td key={name}>
                    <span
                      className={styles.bar}
                      style={{ inlineSize: `${(Math.abs(value) / largest) * 120}px` }}
                    />{" "}
                    {value}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
