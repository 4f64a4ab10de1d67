import { useState } from "react";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { useCountdown } from "./use-countdown.ts";

type WipeDialogProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  hasPassword: boolean;
};

/** Asks before everything here is deleted, and lets nobody do it in haste. */
export function WipeDialog({ open, onOpenChange, hasPassword }: WipeDialogProps) {
  const t = useText();
  const { sentences } = useFormats();
  const { account, notices } = useStores();
  const seconds = useCountdown(open);
  const [isBusy, setIsBusy] = useState(false);
  const wipe = async (): Promise<void> => {
    setIsBusy(true);
    const outcome = await account.getState().wipe();
    setIsBusy(false);
    onOpenChange(false);
    if (!outcome.ok) notices.showFailure(outcome.failure);
  };
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={t("settings.wipeQuestion")}
      description={
        hasPassword
          ? t("settings.wipeHelp")
          : sentences(t("settings.wipeHelp"), t("settings.wipeNoPassword"))
      }
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>{t("general.cancel")}</Button>
          <Button variant="danger" disabled={seconds > 0} busy={isBusy} onClick={() => void wipe()}>
            {seconds > 0 ? t("settings.wipeWait", { seconds }) : t("settings.wipeConfirm")}
          </Button>
        </>
      }
    />
  );
}
