import { useCallback, useEffect, useState } from "react";
import type { BridgeFailure, DeviceView } from "#stores/views.ts";
import { MAX_DEVICES_PER_HUMAN } from "#stores/limits.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { AddDeviceDialog } from "#ui/screens/devices/AddDeviceDialog.tsx";
import { RenameDeviceDialog } from "#ui/screens/devices/RenameDeviceDialog.tsx";
import { SendHistoryDialog } from "#ui/screens/devices/SendHistoryDialog.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Settings.module.css";

/** Every device that can read for this account, and the way to put one out. */
export function DeviceList() {
  const t = useText();
  const { devices, failure, reload } = useDevices();
  const [leaving, setLeaving] = useState<DeviceView | null>(null);
  const [renaming, setRenaming] = useState<DeviceView | null>(null);
  const [sending, setSending] = useState<DeviceView | null>(null);
  const nameOf = useDeviceName();
  return (
    <section className={styles.group} aria-label={t("devices.title")}>
      <h2 className={styles.title}>{t("devices.title")}</h2>
      <p className={styles.text}>{t("devices.help", { max: MAX_DEVICES_PER_HUMAN })}</p>
      <FailureNote failure={failure} />
      {devices === null && failure === null && <Skeleton lines={2} label={t("general.loading")} />}
      {failure !== null && (
        <div>
          <Button size="small" onClick={reload}>
            {t("general.retry")}
          </Button>
        </div>
      )}
      {devices !== null && (
        <ul className={styles.devices}>
          {devices.map((device) => (
            <DeviceRow
              key={device.id}
              device={device}
              onRename={() => setRenaming(device)}
              onSend={() => setSending(device)}
              onLeave={() => setLeaving(device)}
            />
          ))}
        </ul>
      )}
      {devices !== null && <AddDevice count={devices.length} />}
      {renaming !== null && (
        <RenameDeviceDialog
          device={renaming}
          onClose={() => setRenaming(null)}
          onRenamed={reload}
        />
      )}
      {sending !== null && (
        <SendHistoryDialog
          device={sending}
          name={nameOf(sending)}
          onClose={() => setSending(null)}
        />
      )}
      <RevokeDialog device={leaving} onClose={() => setLeaving(null)} onRevoked={reload} />
    </section>
  );
}

function AddDevice({ count }: { count: number }) {
  const t = useText();
  const { devices, notices } = useStores();
  const [isBusy, setIsBusy] = useState(false);
  if (count >= MAX_DEVICES_PER_HUMAN)
    return <p className={styles.text}>{t("devices.full", { max: MAX_DEVICES_PER_HUMAN })}</p>;
  const offer = async (): Promise<void> => {
    setIsBusy(true);
    const outcome = await devices.getState().offer();
    setIsBusy(false);
    if (!outcome.ok) notices.showFailure(outcome.failure);
  };
  return (
    <div>
      <Button icon="plus" busy={isBusy} onClick={() => void offer()}>
        {t("devices.add")}
      </Button>
      <AddDeviceDialog />
    </div>
  );
}

function useDevices() {
  const { calls } = useStores();
  const [devices, setDevices] = useState<readonly DeviceView[] | null>(null);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  // A device that was just admitted belongs in the list.
  const isAdmitted = useStore("devices", (state) => state.link?.status === "admitted");
  const load = useCallback(() => {
    let isWanted = true;
    void calls.listDevices().then((answer) => {
      if (!isWanted) return;
      if (answer.ok) setDevices(answer.value);
      setFailure(answer.ok ? null : answer.failure);
    });
    return () => {
      isWanted = false;
    };
  }, [calls]);
  useEffect(() => load(), [load, isAdmitted]);
  return { devices, failure, reload: () => void load() };
}

function useDeviceName(): (device: DeviceView) => string {
  const t = useText();
  return ({ name }) => (name === null || name === "" ? t("devices.unnamed") : name);
}

type DeviceRowProps = {
  device: DeviceView;
  onRename: () => void;
  onSend: () => void;
  onLeave: () => void;
};

function DeviceRow({ device, onRename, onSend, onLeave }: DeviceRowProps) {
  const t = useText();
  const formats = useFormats();
  const name = useDeviceName()(device);
  return (
    <li className={styles.device}>
      <div className={styles.deviceWords}>
        <p className={styles.deviceName}>
          <bdi>{name}</bdi>
          {device.isThis && <span className={styles.mark}>{t("devices.this")}</span>}
        </p>
        {device.addedAt !== null && (
          <p className={styles.text}>
            {t("devices.added", { time: formats.moment(device.addedAt) })}
          </p>
        )}
        <details className={styles.text}>
          <summary>{t("devices.key")}</summary>
          <code translate="no">{device.fingerprintText}</code>
        </details>
        <div className={styles.deviceActions}>
          <Button
            size="small"
            variant="quiet"
            aria-label={t("devices.renameNamed", { name })}
            onClick={onRename}
          >
            {t("devices.renameShort")}
          </Button>
          {!device.isThis && (
            <>
              <Button
                size="small"
                variant="quiet"
                aria-label={t("devices.sendTo", { name })}
                onClick={onSend}
              >
                {t("devices.send")}
              </Button>
              <Button
                size="small"
                variant="dangerQuiet"
                aria-label={t("devices.revokeNamed", { name })}
                onClick={onLeave}
              >
                {t("devices.revoke")}
              </Button>
            </>
          )}
        </div>
      </div>
    </li>
  );
}

type RevokeDialogProps = {
  device: DeviceView | null;
  onClose: () => void;
  onRevoked: () => void;
};

function RevokeDialog({ device, onClose, onRevoked }: RevokeDialogProps) {
  const t = useText();
  const { calls, notices } = useStores();
  const [isBusy, setIsBusy] = useState(false);
  const revoke = async (): Promise<void> => {
    if (device === null) return;
    setIsBusy(true);
    const answer = await calls.revokeDevice({ deviceId: device.id });
    setIsBusy(false);
    onClose();
    if (answer.ok) onRevoked();
    else notices.showFailure(answer.failure);
  };
  return (
    <ConfirmDialog
      open={device !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("devices.revokeQuestion")}
      description={t("devices.revokeHelp")}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button variant="danger" busy={isBusy} onClick={() => void revoke()}>
            {t("devices.revokeConfirm")}
          </Button>
        </>
      }
    />
  );
}
