import type { ArtifactView } from "#stores/views.ts";
import type { IconName } from "#ui/kit/Icon.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { Markdown } from "#ui/markdown/Markdown.tsx";
import { useText } from "#ui/text/text.tsx";
import { AnswerLine, CardState } from "./AnswerLine.tsx";
import { Blocks } from "./Blocks.tsx";
import { CardActions } from "./CardActions.tsx";
import styles from "./Card.module.css";
import { CardFrame, type CardTone } from "./CardFrame.tsx";
import type { InfoPayload } from "./card-types.ts";

type Tone = NonNullable<InfoPayload["tone"]>;

const TONES: Readonly<Record<Tone, { readonly tone: CardTone; readonly icon: IconName }>> = {
  neutral: { tone: "neutral", icon: "note" },
  info: { tone: "accent", icon: "info" },
  success: { tone: "proven", icon: "circle-check" },
  warning: { tone: "unproven", icon: "alert" },
  danger: { tone: "danger", icon: "circle-alert" },
};

type InfoPartProps = {
  artifact: ArtifactView;
  payload: InfoPayload;
  mentionNameById: Readonly<Record<string, string>>;
  isBusy: boolean;
  onAnswer: (actionId: string) => void;
};

/** Something to know, with facts in a table and buttons where they help. */
export function InfoPart({ artifact, payload, mentionNameById, isBusy, onAnswer }: InfoPartProps) {
  const t = useText();
  return (
    <CardFrame
      {...TONES[payload.tone ?? "neutral"]}
      kind={t("card.info")}
      title={artifact.title}
      state={<CardState artifact={artifact} />}
    >
      {payload.body !== "" && (
        <Markdown text={payload.body} isProven mentionNameById={mentionNameById} />
      )}
      {payload.fields !== undefined && payload.fields.length > 0 && (
        <dl className={styles.facts}>
          {payload.fields.map((field, at) => (
            <div key={at} className={styles.fact}>
              <dt>
                <bdi>{field.label}</bdi>
              </dt>
              <dd dir="auto">
                <HiddenText text={field.value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <Blocks blocks={payload.blocks} />
      {payload.actions !== undefined && payload.actions.length > 0 && (
        <CardActions
          actions={payload.actions}
          isOpen={artifact.canRespond && !artifact.expired}
          isBusy={isBusy}
          onAnswer={onAnswer}
        />
      )}
      {artifact.answer !== null && <AnswerLine answer={artifact.answer} />}
    </CardFrame>
  );
}
