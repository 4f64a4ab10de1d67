import { MAX_DEVICE_NAME_CHARACTERS } from "#stores/limits.ts";
import type { DeviceView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { NameDialog } from "#ui/screens/shell/NameDialog.tsx";
import { useText } from "#ui/text/text.tsx";

type RenameDeviceDialogProps = { device: DeviceView; onClose: () => void; onRenamed: () => void };

/** Another name for one of the person's devices. */
export function RenameDeviceDialog({ device, onClose, onRenamed }: RenameDeviceDialogProps) {
  const t = useText();
  const { calls } = useStores();
  return (
    <NameDialog
      title={t("devices.rename")}
      label={t("devices.name")}
      help={t("devices.nameHelp")}
      before={device.name ?? ""}
      mayBeEmpty={false}
      maxLength={MAX_DEVICE_NAME_CHARACTERS}
      onSave={(name) => calls.renameDevice({ deviceId: device.id, name })}
      onSaved={onRenamed}
      onClose={onClose}
    />
  );
}
