import type { ArtifactView } from "#stores/views.ts";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useText, type Say } from "#ui/text/text.tsx";
import { valueToWords } from "./answer-words.ts";
import styles from "./FormPart.module.css";
import { CardFrame } from "./CardFrame.tsx";
import type { ResponsePayload } from "./card-types.ts";

/** An answer shown again: by the labels of the card it was given to, where that is here. */
export function ResponsePart({
  artifact,
  payload,
}: {
  artifact: ArtifactView;
  payload: ResponsePayload;
}) {
  const t = useText();
  const { refersTo } = artifact;
  const rows = rowsOf(payload, refersTo?.card ?? null, t);
  return (
    <CardFrame icon="reply" kind={t("card.response")} title={artifact.title}>
      {refersTo !== null && (
        <p className={styles.note}>{t("response.to", { title: refersTo.title })}</p>
      )}
      {rows.length === 0 ? (
        <p className={styles.note}>{t("response.empty")}</p>
      ) : (
        <dl className={styles.answers}>
          {rows.map(({ label, words }, at) => (
            <div key={at} className={styles.answer}>
              <dt>
                <bdi>{label}</bdi>
              </dt>
              <dd dir="auto">
                <HiddenText text={words} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </CardFrame>
  );
}

type Row = { readonly label: string; readonly words: string };

function rowsOf(
  { ref_action, values }: ResponsePayload,
  card: NonNullable<ArtifactView["refersTo"]>["card"] | null,
  t: Say,
): readonly Row[] {
  if (card?.subtype === "form")
    return card.payload.fields.map((field) => ({
      label: field.label,
      words: valueToWords(values[field.id], field.options ?? [], t),
    }));
  const chosen = card === null ? undefined : labelOfAction(card, ref_action, values);
  if (chosen !== undefined) return [{ label: t("response.chose"), words: chosen }];
  return Object.entries(values).map(([label, value]) => ({
    label,
    words: valueToWords(value, [], t),
  }));
}

/** What was pressed or chosen, in the card's own words. */
function labelOfAction(
  card: NonNullable<ArtifactView["refersTo"]>["card"],
  actionId: string,
  values: ResponsePayload["values"],
): string | undefined {
  switch (card.subtype) {
    case "info":
      return card.payload.actions?.find(({ id }) => id === actionId)?.label;
    case "reply":
      return card.payload.suggestions?.find(({ id }) => id === actionId)?.label;
    case "approval":
      return card.payload.options.find(({ id }) => id === actionId)?.label;
    case "app":
      return card.payload.options.find(({ id }) => id === values["option_id"])?.label;
    default:
      return undefined;
  }
}
