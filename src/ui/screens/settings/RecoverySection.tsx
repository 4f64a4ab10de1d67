import { useEffect, useState } from "react";
import type { RecoveryView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog, Dialog } from "#ui/kit/Dialog.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { isRetyped } from "./recovery-retype.ts";
import styles from "./Settings.module.css";

/** A way back that needs neither the password nor this browser. */
export function RecoverySection() {
  const t = useText();
  const formats = useFormats();
  const { calls, notices, ways } = useStores();
  const madeAt = useStore("ways", (state) => state.ways?.recoveryMadeAt ?? null);
  const [made, setMade] = useState<RecoveryView | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [isWithdrawing, setIsWithdrawing] = useState(false);
  useEffect(() => void ways.getState().load(), [ways]);
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
      {madeAt !== null && (
        <p className={styles.text}>{t("recovery.made", { time: formats.moment(madeAt) })}</p>
      )}
      <div className={styles.actions}>
        <Button busy={isBusy} onClick={() => void make()}>
          {t(madeAt === null ? "recovery.make" : "recovery.makeAnew")}
        </Button>
        {madeAt !== null && (
          <Button variant="dangerQuiet" onClick={() => setIsWithdrawing(true)}>
            {t("recovery.withdraw")}
          </Button>
        )}
      </div>
      {made !== null && (
        <RecoveryDialog made={made} replaces={madeAt !== null} onClose={() => setMade(null)} />
      )}
      <WithdrawDialog open={isWithdrawing} onOpenChange={setIsWithdrawing} />
    </section>
  );
}

function WithdrawDialog(dialog: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useText();
  const { notices, ways } = useStores();
  const [isBusy, setIsBusy] = useState(false);
  const withdraw = async (): Promise<void> => {
    setIsBusy(true);
    const outcome = await ways.getState().withdrawRecovery();
    setIsBusy(false);
    dialog.onOpenChange(false);
    if (outcome.ok) notices.showNote("recovery-withdrawn");
    else notices.showFailure(outcome.failure);
  };
  return (
    <ConfirmDialog
      {...dialog}
      title={t("recovery.withdrawQuestion")}
      description={t("recovery.withdrawHelp")}
      footer={
        <>
          <Button onClick={() => dialog.onOpenChange(false)}>{t("general.cancel")}</Button>
          <Button variant="danger" busy={isBusy} onClick={() => void withdraw()}>
            {t("recovery.withdraw")}
          </Button>
        </>
      }
    />
  );
}

type RecoveryDialogProps = { made: RecoveryView; replaces: boolean; onClose: () => void };

function RecoveryDialog({ made, replaces, onClose }: RecoveryDialogProps) {
  const t = useText();
  const { notices, ways } = useStores();
  const [typed, setTyped] = useState("");
  const [isSaved, setIsSaved] = useState(false);
  const { isBusy, failure, run } = useAttempt();
  const isDone = isSaved && isRetyped(made.code, typed);
  const keep = async (): Promise<void> => {
    if (!(await run(() => ways.getState().keepRecovery()))) return;
    notices.showNote("recovery-made");
    onClose();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("recovery.dialogTitle")}
      description={t("recovery.once")}
      footer={
        <Button variant="primary" disabled={!isDone} busy={isBusy} onClick={() => void keep()}>
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
      <p className={styles.text}>{t(replaces ? "recovery.replaces" : "recovery.counts")}</p>
      <FailureNote failure={failure} />
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
