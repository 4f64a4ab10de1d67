import { useText } from "#ui/text/text.tsx";
import type { ApprovalPayload } from "./card-types.ts";
import { classNames } from "#ui/kit/class-names.ts";
import styles from "./ApprovalPart.module.css";

type Risk = ApprovalPayload["risk"];

/** A shape of its own for each step, so that colour is never the only sign. */
const SHAPES: Readonly<Record<Risk, string>> = {
  low: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11Z",
  medium: "M8 1.5 14.5 8 8 14.5 1.5 8Z",
  high: "M8 1.75 15 14H1Z",
  critical: "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2Z",
};

/** How much is at stake, as a shape and a word. */
export function RiskMark({ risk }: { risk: Risk }) {
  const t = useText();
  return (
    <span className={classNames(styles.risk, styles[risk])}>
      <svg viewBox="0 0 16 16" width={14} height={14} aria-hidden>
        <path d={SHAPES[risk]} />
      </svg>
      {t(`approval.risk.${risk}`)}
    </span>
  );
}
