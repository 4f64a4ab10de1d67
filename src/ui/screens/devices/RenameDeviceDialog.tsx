import { useState } from "react";
import { MAX_DEVICE_NAME_CHARACTERS } from "#stores/limits.ts";
import type { DeviceView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Devices.module.css";

type RenameDeviceDialogProps = { device: DeviceView; onClose: () => void; onRenamed: () => void };

/** Another name for one of the person's devices. */
export function RenameDeviceDialog({ device, onClose, onRenamed }: RenameDeviceDialogProps) {
  const t = useText();
  const { calls } = useStores();
  const [name, setName] = useState(device.name ?? "");
  const { isBusy, failure, run } = useAttempt();
  const isReady = name.trim() !== "" && name.trim() !== device.name;
  const save = async (): Promise<void> => {
    if (!(await run(() => calls.renameDevice({ deviceId: device.id, name })))) return;
    onClose();
    onRenamed();
  };
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
      title={t("devices.rename")}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button variant="primary" busy={isBusy} disabled={!isReady} onClick={() => void save()}>
            {t("settings.save")}
          </Button>
        </>
      }
    >
      <form
        className={styles.stack}
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isBusy) void save();
        }}
      >
        <TextField
          label={t("devices.name")}
          help={t("devices.nameHelp")}
          value={name}
          onChange={setName}
          maxLength={MAX_DEVICE_NAME_CHARACTERS}
          dir="auto"
          autoComplete="off"
        />
        <FailureNote failure={failure} />
      </form>
    </Dialog>
  );
}
