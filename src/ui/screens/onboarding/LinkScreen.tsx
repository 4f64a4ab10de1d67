import { useEffect, useState } from "react";
import type { BridgeFailure } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { Spinner } from "#ui/kit/Spinner.tsx";
import deviceStyles from "#ui/screens/devices/Devices.module.css";
import { Digits } from "#ui/screens/devices/Digits.tsx";
import { ScanButton } from "#ui/screens/scan/ScanButton.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorForm } from "./DoorForm.tsx";
import { DoorFrame } from "./DoorFrame.tsx";

/** An account that exists on another device, brought here by a link that device made. */
export function LinkScreen({ onBack }: { onBack: () => void }) {
  const { devices } = useStores();
  const link = useStore("devices", (state) => state.link);
  const opened = useStore("devices", (state) => state.opened);
  const { isBusy, failure, run } = useAttempt();
  const open = (code: string) => run(() => devices.getState().open(code));
  useEffect(() => {
    if (opened === null) return;
    devices.getState().dropOpened();
    void open(opened);
    // Once for each link this page is opened by.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [opened]);
  const cancel = (): void => devices.getState().cancel();
  if (link?.status === "comparing") return <Comparing link={link} onCancel={cancel} />;
  if (link?.status === "asking" || link?.status === "joining")
    return <Waiting status={link.status} onCancel={cancel} />;
  return (
    <CodeStep
      failure={link?.status === "over" ? { kind: link.failure } : failure}
      isBusy={isBusy}
      onOpen={(code) => void open(code)}
      onBack={() => {
        cancel();
        onBack();
      }}
    />
  );
}

type CodeStepProps = {
  failure: BridgeFailure | null;
  isBusy: boolean;
  onOpen: (code: string) => void;
  onBack: () => void;
};

function CodeStep({ failure, isBusy, onOpen, onBack }: CodeStepProps) {
  const t = useText();
  const [code, setCode] = useState("");
  return (
    <DoorFrame
      title={t("join.title")}
      help={t("join.help")}
      footer={
        <Button variant="quiet" onClick={onBack} disabled={isBusy}>
          {t("general.back")}
        </Button>
      }
    >
      <DoorForm
        submitLabel={t("onboarding.continue")}
        isReady={code.trim() !== ""}
        {...{ isBusy, failure }}
        onSubmit={() => onOpen(code)}
        actions={<ScanButton label={t("join.scan")} wants={isDeviceLink} onRead={onOpen} />}
      >
        <TextField
          label={t("join.code")}
          help={t("join.codeHelp")}
          value={code}
          onChange={setCode}
          autoCapitalize="characters"
          autoComplete="off"
          spellCheck={false}
          disabled={isBusy}
          autoFocus
          required
        />
      </DoorForm>
    </DoorFrame>
  );
}

/** Whether a code that was read may be a device link; the worker says whether it is one of this server. */
const isDeviceLink = (text: string): boolean => /^https?:\/\/[^/]+\/link#/.test(text);

type ComparingProps = {
  link: { readonly digits: string; readonly displayName: string; readonly handle: string };
  onCancel: () => void;
};

function Comparing({ link, onCancel }: ComparingProps) {
  const t = useText();
  const { displayName: name, handle } = link;
  return (
    <DoorFrame
      title={t("join.compareTitle")}
      help={t("join.compareHelp", { name, handle })}
      footer={
        <>
          <p>{t("join.wrong")}</p>
          <Button variant="quiet" onClick={onCancel}>
            {t("general.cancel")}
          </Button>
        </>
      }
    >
      <Digits digits={link.digits} />
      <p className={deviceStyles.waiting} role="status">
        <Spinner />
        <span>{t("join.waiting")}</span>
      </p>
    </DoorFrame>
  );
}

function Waiting({ status, onCancel }: { status: "asking" | "joining"; onCancel: () => void }) {
  const t = useText();
  return (
    <DoorFrame
      title={t("join.title")}
      footer={
        status === "asking" ? (
          <Button variant="quiet" onClick={onCancel}>
            {t("general.cancel")}
          </Button>
        ) : undefined
      }
    >
      <p className={deviceStyles.waiting} role="status">
        <Spinner />
        <span>{t(`join.${status}`)}</span>
      </p>
    </DoorFrame>
  );
}
