import { useState } from "react";
import { MIN_PASSWORD_CHARACTERS } from "#stores/limits.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { PasswordField } from "#ui/kit/PasswordField.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorForm } from "./DoorForm.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import { missingCharacters } from "./password-rule.ts";

const STEPS = 3;

/** A password, or later. */
export function PasswordStep() {
  const t = useText();
  const { onboarding } = useStores();
  const [password, setPassword] = useState("");
  const [isLater, setIsLater] = useState(false);
  const { isBusy, failure, run } = useAttempt();
  const missing = missingCharacters(password);
  const finish = (chosen: string | null): void => {
    setIsLater(chosen === null);
    void run(() => onboarding.getState().finishAccount(chosen));
  };
  return (
    <DoorFrame
      eyebrow={t("onboarding.step", { step: 2, total: STEPS })}
      title={t("onboarding.passwordTitle")}
      help={t("onboarding.passwordHelp")}
    >
      <DoorForm
        submitLabel={t("onboarding.create")}
        isReady={missing === 0 && !(isBusy && isLater)}
        isBusy={isBusy && !isLater}
        failure={failure}
        onSubmit={() => finish(password)}
        status={isBusy ? t("onboarding.creating") : ""}
        actions={
          <>
            <Button
              variant="quiet"
              busy={isBusy && isLater}
              disabled={isBusy && !isLater}
              onClick={() => finish(null)}
            >
              {t("onboarding.later")}
            </Button>
            <Button variant="quiet" disabled={isBusy} onClick={() => onboarding.getState().back()}>
              {t("general.back")}
            </Button>
          </>
        }
      >
        <PasswordField
          label={t("onboarding.password")}
          help={
            password !== "" && missing > 0
              ? t("onboarding.passwordShort", { missing })
              : t("onboarding.passwordRule", { min: MIN_PASSWORD_CHARACTERS })
          }
          value={password}
          onChange={setPassword}
          autoComplete="new-password"
          autoFocus
          disabled={isBusy}
        />
      </DoorForm>
    </DoorFrame>
  );
}
