import { useState } from "react";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { useCountdown } from "#ui/screens/settings/use-countdown.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import styles from "./DoorFrame.module.css";
import { PasskeyButton } from "./PasskeyButton.tsx";

type LostScreenProps = { onSignIn: () => void; onRestore: () => void; onLink: () => void };

/** There was an account here and the browser lost it: the ways back come before any new identity. */
export function LostScreen({ onSignIn, onRestore, onLink }: LostScreenProps) {
  const t = useText();
  const [isAsking, setIsAsking] = useState(false);
  return (
    <DoorFrame
      title={t("lost.title")}
      help={t("lost.help")}
      footer={
        <>
          <p>{t("lost.anewHelp")}</p>
          <Button variant="quiet" onClick={() => setIsAsking(true)}>
            {t("lost.anew")}
          </Button>
        </>
      }
    >
      <div className={styles.actions}>
        <Button variant="primary" onClick={onSignIn}>
          {t("lost.signIn")}
        </Button>
        <PasskeyButton variant="secondary" />
        <Button onClick={onRestore}>{t("restore.title")}</Button>
        <Button onClick={onLink}>{t("join.have")}</Button>
      </div>
      <AnewDialog open={isAsking} onOpenChange={setIsAsking} />
    </DoorFrame>
  );
}

function AnewDialog(dialog: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useText();
  const { account } = useStores();
  const seconds = useCountdown(dialog.open);
  return (
    <ConfirmDialog
      {...dialog}
      title={t("lost.anewQuestion")}
      description={t("lost.anewWarning")}
      footer={
        <>
          <Button onClick={() => dialog.onOpenChange(false)}>{t("general.cancel")}</Button>
          <Button
            variant="danger"
            disabled={seconds > 0}
            onClick={() => account.getState().beginAnew()}
          >
            {seconds > 0 ? t("lost.anewWait", { seconds }) : t("lost.anew")}
          </Button>
        </>
      }
    />
  );
}
