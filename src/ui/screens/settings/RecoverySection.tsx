import { useState } from "react";
import type { RecoveryView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { useText } from "#ui/text/text.tsx";
import { isRetyped } from "./recovery-retype.ts";
import styles from "./Settings.module.css";

/** A way back that needs neither the password nor this browser. */
export function RecoverySection() {
  const t = useText();
  const { calls, notices } = useStores();
  const [made, setMade] = useState<RecoveryView | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const make = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await calls.makeRecovery();
    setIsBusy(false);
    if (answer.ok) setMade(answer.value);
    else notices.showFailure(answer.failure);
  };
  return (
    <section className={styles.group}>
      <h2 className={styles.title}>{t("recovery.title")}</h2>
      <p className={styles.text}>{t("recovery.help")}</p>
      <div>
        <Button busy={isBusy} onClick={() => void make()}>
          {t("recovery.make")}
        </Button>
      </div>
      {made !== null && <RecoveryDialog made={made} onClose={() => setMade(null)} />}
    </section>
  );
}

function RecoveryDialog({ made, onClose }: { made: RecoveryView; onClose: () => void }) {
  const t = useText();
  const { notices } = useStores();
  const [typed, setTyped] = useState("");
  const [isSaved, setIsSaved] = useState(false);
  const isDone = isSaved && isRetyped(made.code, typed);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("recovery.dialogTitle")}
      description={t("recovery.once")}
      footer={
        <Button
          variant="primary"
          disabled={!isDone}
          onClick={() => {
            notices.showNote("recovery-made");
            onClose();
          }}
        >
          {t("general.done")}
        </Button>
      }
    >
      <p className={styles.code} aria-label={t("recovery.code")} role="group" translate="no">
        {made.code}
      </p>
      <div>
        <Button
          {...(isSaved ? { icon: "check" as const } : {})}
          onClick={() => {
            saveFile(made);
            setIsSaved(true);
          }}
        >
          {t("recovery.save")}
        </Button>
      </div>
      <TextField
        label={t("recovery.retype")}
        help={t("recovery.retypeHelp")}
        value={typed}
        onChange={setTyped}
        autoCapitalize="characters"
        autoComplete="off"
        spellCheck={false}
      />
    </Dialog>
  );
}

function saveFile({ file, fileName }: RecoveryView): void {
  const url = URL.createObjectURL(new Blob([file], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(url);
}
