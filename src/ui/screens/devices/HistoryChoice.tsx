import { useEffect, useState } from "react";
import type { HistoryPlanView, HistoryReach } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { RadioField } from "#ui/kit/Choices.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Devices.module.css";

/** How much of the past goes along; "none" unless somebody chooses otherwise. */
export type HistoryChoiceValue = "none" | "7" | "30" | "all";

type HistoryChoiceProps = {
  value: HistoryChoiceValue;
  onChange: (value: HistoryChoiceValue) => void;
  /** Offered only where sending nothing makes sense. */
  withNone: boolean;
};

/** The choice as the calls take it; null for nothing. */
export const reachOf = (value: HistoryChoiceValue): { readonly days: HistoryReach } | null =>
  value === "none" ? null : { days: value === "all" ? null : value === "7" ? 7 : 30 };

/** Which messages a device is given, and what that comes to. */
export function HistoryChoice({ value, onChange, withNone }: HistoryChoiceProps) {
  const t = useText();
  const plan = usePlan(value);
  const values = (["none", "7", "30", "all"] as const).filter((one) => withNone || one !== "none");
  return (
    <div className={styles.stack}>
      <RadioField
        label={t("deviceLink.history")}
        value={value}
        options={values.map((one) => ({ value: one, label: t(`deviceLink.history.${one}`) }))}
        onChange={onChange}
      />
      <p role="status" className={styles.quiet}>
        <PlanWords value={value} plan={plan} />
      </p>
    </div>
  );
}

function PlanWords({ value, plan }: { value: HistoryChoiceValue; plan: HistoryPlanView | null }) {
  const t = useText();
  const formats = useFormats();
  if (value === "none") return t("deviceLink.historyNone");
  if (plan === null) return t("general.loading");
  if (plan.messageCount === 0) return t("deviceLink.historyEmpty");
  const { messageCount: messages, conversationCount: conversations, sizeBytes } = plan;
  return t("deviceLink.historyPlan", { messages, conversations, size: formats.bytes(sizeBytes) });
}

function usePlan(value: HistoryChoiceValue): HistoryPlanView | null {
  const { calls } = useStores();
  const [plan, setPlan] = useState<HistoryPlanView | null>(null);
  useEffect(() => {
    const reach = reachOf(value);
    let isWanted = true;
    setPlan(null);
    if (reach !== null)
      void calls.planHistory(reach).then((answer) => {
        if (isWanted && answer.ok) setPlan(answer.value);
      });
    return () => {
      isWanted = false;
    };
  }, [calls, value]);
  return plan;
}
