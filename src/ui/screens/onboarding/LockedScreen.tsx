import { useState } from "react";
import type { Outcome } from "#stores/account-store.ts";
import type { BridgeFailure } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { PasswordField } from "#ui/kit/Field.tsx";
import { WipeDialog } from "#ui/screens/settings/WipeDialog.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import styles from "./DoorFrame.module.css";

type LockedScreenProps = {
  displayName: string;
  handle: string;
  /** Passkeys that open this lock too. */
  passkeyIds: readonly string[];
};

/** The account is here and closed. */
export function LockedScreen({ displayName, handle, passkeyIds }: LockedScreenProps) {
  const t = useText();
  const { account, ways } = useStores();
  const hasPasskeys = useStore("ways", (state) => state.hasPasskeys);
  const canUsePasskey = hasPasskeys && passkeyIds.length > 0;
  const [password, setPassword] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [isWiping, setIsWiping] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const open = async (opening: Promise<Outcome>): Promise<void> => {
    setIsBusy(true);
    setFailure(null);
    const outcome = await opening;
    setIsBusy(false);
    if (!outcome.ok) setFailure(outcome.failure);
  };
  const submit = (): Promise<void> => open(account.getState().unlock(password));
  return (
    <DoorFrame
      title={t("locked.title")}
      help={t(canUsePasskey ? "locked.helpPasskey" : "locked.help", { name: displayName })}
      footer={
        <>
          <p>
            {t("locked.forgot")} {t("locked.forgotHelp")}
          </p>
          <Button variant="quiet" onClick={() => setIsWiping(true)}>
            {t("settings.wipe")}
          </Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy) void submit();
        }}
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
        <FailureNote failure={failure} />
        <div className={styles.actions}>
          <Button type="submit" variant="primary" busy={isBusy} disabled={password === ""}>
            {t("locked.unlock")}
          </Button>
          {canUsePasskey && (
            <Button
              icon="key"
              disabled={isBusy}
              onClick={() => void open(ways.getState().unlockByPasskey(passkeyIds))}
            >
              {t("passkey.unlock")}
            </Button>
          )}
        </div>
      </form>
      <WipeDialog open={isWiping} onOpenChange={setIsWiping} hasPassword />
    </DoorFrame>
  );
}
