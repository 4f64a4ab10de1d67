import { useState } from "react";
import type { DeviceLinkView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { QrCode } from "#ui/kit/QrCode.tsx";
import { Spinner } from "#ui/kit/Spinner.tsx";
import { useCopy } from "#ui/markdown/use-copy.ts";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useNow } from "#ui/screens/shell/use-now.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Devices.module.css";
import { Digits } from "./Digits.tsx";
import { HistoryChoice, reachOf, type HistoryChoiceValue } from "./HistoryChoice.tsx";

type View<Status extends DeviceLinkView["status"]> = Extract<
  DeviceLinkView,
  { readonly status: Status }
>;

/** Adds a further device: a link for it, then a question with digits, then what it gets. */
export function AddDeviceDialog() {
  const { devices } = useStores();
  const link = useStore("devices", (state) => state.link);
  const close = (): void => devices.getState().cancel();
  if (link === null) return null;
  switch (link.status) {
    case "offered":
      return <Offered link={link} onClose={close} />;
    case "asked":
      return <Asked key={link.digits} link={link} onClose={close} />;
    case "admitting":
      return <Admitting link={link} onClose={close} />;
    case "admitted":
      return <Admitted link={link} onClose={close} />;
    case "over":
      return <Over link={link} onClose={close} />;
    // The other end's.
    case "asking":
    case "comparing":
    case "joining":
      return null;
    default:
      return link satisfies never;
  }
}

type StepProps<Status extends DeviceLinkView["status"]> = {
  link: View<Status>;
  onClose: () => void;
};

const whenClosed =
  (onClose: () => void) =>
  (isOpen: boolean): void => {
    if (!isOpen) onClose();
  };

function Offered({ link, onClose }: StepProps<"offered">) {
  const t = useText();
  const { copy, isCopied } = useCopy();
  return (
    <Dialog
      open
      onOpenChange={whenClosed(onClose)}
      title={t("devices.add")}
      description={t("deviceLink.offerHelp")}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button icon={isCopied ? "check" : "copy"} onClick={() => copy(link.url)}>
            {isCopied ? t("general.copied") : t("deviceLink.copy")}
          </Button>
        </>
      }
    >
      <div className={styles.offer}>
        <QrCode value={link.url} label={t("deviceLink.qr")} sizePx={200} />
        <p className={styles.quiet}>{t("deviceLink.typed")}</p>
        <p className={styles.code} role="group" aria-label={t("deviceLink.code")} translate="no">
          {link.code}
        </p>
        <p className={styles.quiet}>
          <TimeLeft until={link.expiresAt} />
        </p>
      </div>
    </Dialog>
  );
}

/** How long a link can still be used, and whom it may be shown to. */
function TimeLeft({ until }: { until: number }) {
  const t = useText();
  const formats = useFormats();
  const now = useNow(1_000);
  const left = t("deviceLink.left", { time: formats.countdown(until - now) });
  return formats.sentences(left, t("deviceLink.secret"));
}

function Asked({ link, onClose }: StepProps<"asked">) {
  const t = useText();
  const { devices, notices } = useStores();
  const [choice, setChoice] = useState<HistoryChoiceValue>("none");
  const name = useDeviceName(link.deviceName);
  const admit = async (): Promise<void> => {
    const outcome = await devices.getState().admit(reachOf(choice));
    if (!outcome.ok) notices.showFailure(outcome.failure);
  };
  return (
    <Dialog
      open
      onOpenChange={whenClosed(onClose)}
      title={t("deviceLink.askedTitle")}
      description={t("deviceLink.askedHelp", { name })}
      footer={
        <>
          <Button onClick={onClose}>{t("deviceLink.refuse")}</Button>
          <Button variant="primary" onClick={() => void admit()}>
            {t("deviceLink.admit")}
          </Button>
        </>
      }
    >
      <div className={styles.stack}>
        <Digits digits={link.digits} />
        <HistoryChoice value={choice} onChange={setChoice} withNone />
      </div>
    </Dialog>
  );
}

function Admitting({ link, onClose }: StepProps<"admitting">) {
  const t = useText();
  const name = useDeviceName(link.deviceName);
  return (
    <Dialog open onOpenChange={whenClosed(onClose)} title={t("devices.add")}>
      <p className={styles.waiting} role="status">
        <Spinner />
        <span>{t("deviceLink.admitting", { name })}</span>
      </p>
    </Dialog>
  );
}

function Admitted({ link, onClose }: StepProps<"admitted">) {
  const t = useText();
  const name = useDeviceName(link.deviceName);
  return (
    <Dialog
      open
      onOpenChange={whenClosed(onClose)}
      title={t("deviceLink.admittedTitle", { name })}
      description={t("deviceLink.admittedHelp")}
      footer={
        <Button variant="primary" onClick={onClose}>
          {t("general.done")}
        </Button>
      }
    />
  );
}

function Over({ link, onClose }: StepProps<"over">) {
  const t = useText();
  const { devices, notices } = useStores();
  const again = async (): Promise<void> => {
    const outcome = await devices.getState().offer();
    if (outcome.ok) return;
    onClose();
    notices.showFailure(outcome.failure);
  };
  return (
    <Dialog
      open
      onOpenChange={whenClosed(onClose)}
      title={t("deviceLink.overTitle")}
      footer={
        <>
          <Button onClick={onClose}>{t("general.close")}</Button>
          <Button variant="primary" onClick={() => void again()}>
            {t("deviceLink.again")}
          </Button>
        </>
      }
    >
      <FailureNote failure={{ kind: link.failure }} />
    </Dialog>
  );
}

function useDeviceName(name: string): string {
  const t = useText();
  return name === "" ? t("devices.unnamed") : name;
}
