import { useState } from "react";
import type { BridgeFailure } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { PasswordField, TextField } from "#ui/kit/Field.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import styles from "./DoorFrame.module.css";
import { PasskeyButton } from "./PasskeyButton.tsx";

type SignInScreenProps = { onNew: () => void; onRestore: () => void };

/** An account that exists, on a device that is new to it. */
export function SignInScreen({ onNew, onRestore }: SignInScreenProps) {
  const t = useText();
  const { account } = useStores();
  const [handle, setHandle] = useState("");
  const [password, setPassword] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const submit = async (): Promise<void> => {
    setIsBusy(true);
    setFailure(null);
    const outcome = await account.getState().signIn({ handle: handle.trim(), password });
    setIsBusy(false);
    if (!outcome.ok) setFailure(outcome.failure);
  };
  return (
    <DoorFrame
      title={t("signIn.title")}
      help={t("signIn.help")}
      footer={
        <>
          <PasskeyButton variant="quiet" />
          <Button variant="quiet" onClick={onRestore} disabled={isBusy}>
            {t("restore.use")}
          </Button>
          <Button variant="quiet" onClick={onNew} disabled={isBusy}>
            {t("signIn.new")}
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
        <TextField
          label={t("signIn.handle")}
          value={handle}
          onChange={setHandle}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          disabled={isBusy}
          autoFocus
          required
        />
        <PasswordField
          label={t("onboarding.password")}
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          disabled={isBusy}
          required
        />
        <FailureNote failure={failure} />
        <div className={styles.actions}>
          <Button
            type="submit"
            variant="primary"
            busy={isBusy}
            disabled={handle.trim() === "" || password === ""}
          >
            {t("signIn.submit")}
          </Button>
        </div>
        <p role="status" className={styles.help}>
          {isBusy ? t("signIn.busy") : ""}
        </p>
      </form>
    </DoorFrame>
  );
}
