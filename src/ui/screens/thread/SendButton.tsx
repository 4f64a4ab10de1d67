import { useEffect, useState } from "react";
import type { MessageView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./Composer.module.css";

type SendButtonProps = {
  canSend: boolean;
  isEmpty: boolean;
  live: MessageView | null;
  onSend: () => void;
  onStop: () => void;
};

/** After its meaning changed, the button takes no press for this long: the finger was meant for the other one. */
const SETTLE_MS = 350;

/**
 * One place, two meanings: stop while an answer arrives and nothing is written, else send. With words written
 * during an answer both stand side by side, and send keeps its place.
 */
export function SendButton({ canSend, isEmpty, live, onSend, onStop }: SendButtonProps) {
  const t = useText();
  const isStop = live !== null && isEmpty;
  const isSettled = useSettled(isStop);
  const isStopping = live?.body.kind === "stream" && live.body.stream.status === "stopping";
  const stopLabel = isStopping ? t("composer.stopping") : t("composer.stop");
  return (
    <>
      {live !== null && !isEmpty && (
        <IconButton icon="stop" label={stopLabel} disabled={isStopping} onClick={onStop} />
      )}
      <IconButton
        icon={isStop ? "stop" : "arrow-up"}
        variant="primary"
        label={isStop ? stopLabel : t("composer.send")}
        className={styles.send}
        disabled={!isSettled || (isStop ? isStopping : !canSend)}
        onPointerDown={(event) => event.preventDefault()}
        onClick={isStop ? onStop : onSend}
      />
    </>
  );
}

function useSettled(meaning: boolean): boolean {
  const { clock } = useStores();
  const [settled, setSettled] = useState(meaning);
  useEffect(() => clock.after(SETTLE_MS, () => setSettled(meaning)), [clock, meaning]);
  return settled === meaning;
}
