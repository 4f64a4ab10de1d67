import { useState } from "react";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { PasswordField } from "#ui/kit/PasswordField.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorForm } from "./DoorForm.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import { PasskeyButton } from "./PasskeyButton.tsx";

type SignInScreenProps = { onNew: () => void; onRestore: () => void };

/** An account that exists, on a device that is new to it. */
export function SignInScreen({ onNew, onRestore }: SignInScreenProps) {
  const t = useText();
  const { account } = useStores();
  const [handle, setHandle] = useState("");
  const [password, setPassword] = useState("");
  const { isBusy, failure, run } = useAttempt();
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
      <DoorForm
        submitLabel={t("signIn.submit")}
        isReady={handle.trim() !== "" && password !== ""}
        {...{ isBusy, failure }}
        onSubmit={() =>
          void run(() => account.getState().signIn({ handle: handle.trim(), password }))
        }
        status={isBusy ? t("signIn.busy") : ""}
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
      </DoorForm>
    </DoorFrame>
  );
}
