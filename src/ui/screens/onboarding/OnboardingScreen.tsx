import { useState } from "react";
import { MAX_DISPLAY_NAME_CHARACTERS, MIN_PASSWORD_CHARACTERS } from "#stores/limits.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { PasswordField, TextField } from "#ui/kit/Field.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorForm } from "./DoorForm.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import { FirstConversationStep } from "./FirstConversationStep.tsx";
import { missingCharacters } from "./password-rule.ts";

const STEPS = 3;

type WaysIn = { onSignIn: () => void; onLink: () => void };

/** A name, a password or "later", a first conversation. */
export function OnboardingScreen(ways: WaysIn) {
  const step = useStore("onboarding", (state) => state.step);
  switch (step) {
    case "idle":
    case "name":
      return <NameStep {...ways} />;
    case "password":
      return <PasswordStep />;
    case "first-conversation":
      return <FirstConversationStep />;
    default:
      return step satisfies never;
  }
}

function NameStep({ onSignIn, onLink }: WaysIn) {
  const t = useText();
  const { onboarding } = useStores();
  const [name, setName] = useState(() => onboarding.getState().displayName);
  const trimmed = name.trim();
  return (
    <DoorFrame
      eyebrow={t("onboarding.step", { step: 1, total: STEPS })}
      title={t("onboarding.nameTitle")}
      help={t("onboarding.nameHelp")}
      footer={
        <>
          <p>{t("onboarding.promise")}</p>
          <Button variant="quiet" onClick={onSignIn}>
            {t("onboarding.haveAccount")}
          </Button>
          <Button variant="quiet" onClick={onLink}>
            {t("join.have")}
          </Button>
        </>
      }
    >
      <DoorForm
        submitLabel={t("onboarding.continue")}
        isReady={trimmed !== ""}
        isBusy={false}
        failure={null}
        onSubmit={() => onboarding.getState().setName(trimmed)}
      >
        <TextField
          label={t("onboarding.name")}
          value={name}
          onChange={setName}
          autoComplete="nickname"
          maxLength={MAX_DISPLAY_NAME_CHARACTERS}
          dir="auto"
          autoFocus
          required
        />
      </DoorForm>
    </DoorFrame>
  );
}

function PasswordStep() {
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
