import { useEffect, useState } from "react";
import { selectOpenAccount } from "#stores/account-store.ts";
import type { WaysView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Settings.module.css";

type Passkey = WaysView["passkeys"][number];

/** Passkeys beside the password; absent where the browser has none that open anything. */
export function PasskeySection() {
  const t = useText();
  const { ways: store, notices } = useStores();
  const open = useStore("account", selectOpenAccount);
  const hasPasskeys = useStore("ways", (state) => state.hasPasskeys);
  const ways = useStore("ways", (state) => state.ways);
  const [isBusy, setIsBusy] = useState(false);
  const [leaving, setLeaving] = useState<Passkey | null>(null);
  const hasPassword = open?.hasPassword === true;
  useEffect(() => void store.getState().load(), [store, hasPassword]);
  if (!hasPasskeys || open === null) return null;
  const add = async (): Promise<void> => {
    setIsBusy(true);
    const outcome = await store.getState().addPasskey(open);
    setIsBusy(false);
    if (outcome.ok) notices.showNote("passkey-added");
    else notices.showFailure(outcome.failure);
  };
  return (
    <section className={styles.group} aria-label={t("passkey.title")}>
      <h2 className={styles.title}>{t("passkey.title")}</h2>
      <p className={styles.text}>{t("passkey.help")}</p>
      {ways !== null && ways.passkeys.length > 0 && (
        <ul className={styles.devices}>
          {ways.passkeys.map((passkey) => (
            <PasskeyRow key={passkey.id} passkey={passkey} onLeave={() => setLeaving(passkey)} />
          ))}
        </ul>
      )}
      {ways !== null && !ways.canAddPasskey && (
        <p className={styles.text}>
          {t(hasPassword ? "passkey.passwordAgain" : "passkey.passwordFirst")}
        </p>
      )}
      {ways?.canAddPasskey === true && (
        <div>
          <Button icon="key" busy={isBusy} onClick={() => void add()}>
            {t("passkey.add")}
          </Button>
        </div>
      )}
      <RemoveDialog passkey={leaving} onClose={() => setLeaving(null)} />
    </section>
  );
}

function PasskeyRow({ passkey, onLeave }: { passkey: Passkey; onLeave: () => void }) {
  const t = useText();
  const time = useFormats().moment(passkey.addedAt);
  return (
    <li className={styles.device}>
      <div className={styles.deviceWords}>
        <p className={styles.deviceName}>{t("passkey.row", { time })}</p>
        <p className={styles.text}>
          {t(passkey.opensThisDevice ? "passkey.opensHere" : "passkey.opensElsewhere")}
        </p>
      </div>
      <Button
        size="small"
        variant="dangerQuiet"
        aria-label={t("passkey.removeNamed", { time })}
        onClick={onLeave}
      >
        {t("passkey.remove")}
      </Button>
    </li>
  );
}

function RemoveDialog({ passkey, onClose }: { passkey: Passkey | null; onClose: () => void }) {
  const t = useText();
  const { ways, notices } = useStores();
  const [isBusy, setIsBusy] = useState(false);
  const remove = async (): Promise<void> => {
    if (passkey === null) return;
    setIsBusy(true);
    const outcome = await ways.getState().removePasskey(passkey.id);
    setIsBusy(false);
    onClose();
    if (outcome.ok) notices.showNote("passkey-removed");
    else notices.showFailure(outcome.failure);
  };
  return (
    <ConfirmDialog
      open={passkey !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("passkey.removeQuestion")}
      description={t("passkey.removeHelp")}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button variant="danger" busy={isBusy} onClick={() => void remove()}>
            {t("passkey.removeConfirm")}
          </Button>
        </>
      }
    />
  );
}
