import { useState } from "react";
import type { DeviceView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { useText } from "#ui/text/text.tsx";
import { HistoryChoice, reachOf, type HistoryChoiceValue } from "./HistoryChoice.tsx";

type SendHistoryDialogProps = { device: DeviceView; name: string; onClose: () => void };

/** Hands stored messages to a device that was added before; as often as somebody likes. */
export function SendHistoryDialog({ device, name, onClose }: SendHistoryDialogProps) {
  const t = useText();
  const { calls, notices } = useStores();
  const [choice, setChoice] = useState<HistoryChoiceValue>("7");
  const send = (): void => {
    const reach = reachOf(choice);
    if (reach === null) return;
    onClose();
    // How it goes is told by the bar over the page.
    void calls.sendHistory({ deviceId: device.id, ...reach }).then((answer) => {
      if (!answer.ok && answer.failure.kind === "engine/no-history")
        notices.showFailure(answer.failure);
    });
  };
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
      title={t("devices.sendTo", { name })}
      description={t("devices.sendHelp")}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button variant="primary" onClick={send}>
            {t("devices.sendConfirm")}
          </Button>
        </>
      }
    >
      <HistoryChoice value={choice} onChange={setChoice} withNone={false} />
    </Dialog>
  );
}
