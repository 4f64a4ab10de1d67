import { useState } from "react";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { PasswordField } from "#ui/kit/PasswordField.tsx";
import { WipeDialog } from "#ui/screens/settings/WipeDialog.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorForm } from "./DoorForm.tsx";
import { DoorFrame } from "./DoorFrame.tsx";

type LockedScreenProps = {
  displayName: string;
  handle: string;
  /** Passkeys that open this lock too. */
  passkeyIds: readonly string[];
};

/** The account is here and closed. */
export function LockedScreen({ displayName, handle, passkeyIds }: LockedScreenProps) {
  const t = useText();
  const { sentences } = useFormats();
  const { account, ways } = useStores();
  const hasPasskeys = useStore("ways", (state) => state.hasPasskeys);
  const canUsePasskey = hasPasskeys && passkeyIds.length > 0;
  const [password, setPassword] = useState("");
  const [isWiping, setIsWiping] = useState(false);
  const { isBusy, failure, run } = useAttempt();
  return (
    <DoorFrame
      title={t("locked.title")}
      help={t(canUsePasskey ? "locked.helpPasskey" : "locked.help", { name: displayName })}
      footer={
        <>
          <p>{sentences(t("locked.forgot"), t("locked.forgotHelp"))}</p>
          <Button variant="quiet" onClick={() => setIsWiping(true)}>
            {t("settings.wipe")}
          </Button>
        </>
      }
    >
      <DoorForm
        submitLabel={t("locked.unlock")}
        isReady={password !== ""}
        {...{ isBusy, failure }}
        onSubmit={() => void run(() => account.getState().unlock(password))}
        actions={
          canUsePasskey && (
            <Button
              icon="key"
              disabled={isBusy}
              onClick={() => void run(() => ways.getState().unlockByPasskey(passkeyIds))}
            >
              {t("passkey.unlock")}
            </Button>
          )
        }
      >
        <input type="hidden" autoComplete="username" value={handle} readOnly />
        <PasswordField
          label={t("onboarding.password")}
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          disabled={isBusy}
          autoFocus
          required
        />
      </DoorForm>
      <WipeDialog open={isWiping} onOpenChange={setIsWiping} hasPassword />
    </DoorFrame>
  );
}
