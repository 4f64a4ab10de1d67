import type { ArtifactView } from "#stores/views.ts";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./Card.module.css";
import { CardFrame } from "./CardFrame.tsx";

/** A card of a kind that this version does not know: its title and summary, and that there is more. */
export function UnknownCardPart({ artifact, kind }: { artifact: ArtifactView; kind: string }) {
  const t = useText();
  return (
    <CardFrame icon="help" kind={t("card.unknown")} title={artifact.title}>
      {artifact.summary !== "" && (
        <p className={styles.summary} dir="auto">
          <HiddenText text={artifact.summary} />
        </p>
      )}
      <p className={styles.quiet}>{t("card.unknownHelp", { kind })}</p>
    </CardFrame>
  );
}
