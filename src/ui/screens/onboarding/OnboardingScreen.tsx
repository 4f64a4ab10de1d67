import { useState, type FormEvent } from "react";
import { MAX_DISPLAY_NAME_CHARACTERS, MIN_PASSWORD_CHARACTERS } from "#stores/limits.ts";
import type { BridgeFailure } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { PasswordField, TextField } from "#ui/kit/Field.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import styles from "./DoorFrame.module.css";
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
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (trimmed !== "") onboarding.getState().setName(trimmed);
  };
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
      <form className={styles.form} onSubmit={submit}>
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
        <div className={styles.actions}>
          <Button type="submit" variant="primary" disabled={trimmed === ""}>
            {t("onboarding.continue")}
          </Button>
        </div>
      </form>
    </DoorFrame>
  );
}

function PasswordStep() {
  const t = useText();
  const { onboarding } = useStores();
  const isBusy = useStore("onboarding", (state) => state.isBusy);
  const [password, setPassword] = useState("");
  const [isLater, setIsLater] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const missing = missingCharacters(password);
  const finish = async (chosen: string | null): Promise<void> => {
    setFailure(null);
    setIsLater(chosen === null);
    const outcome = await onboarding.getState().finishAccount(chosen);
    if (!outcome.ok) setFailure(outcome.failure);
  };
  return (
    <DoorFrame
      eyebrow={t("onboarding.step", { step: 2, total: STEPS })}
      title={t("onboarding.passwordTitle")}
      help={t("onboarding.passwordHelp")}
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (missing === 0 && !isBusy) void finish(password);
        }}
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
        <FailureNote failure={failure} />
        <div className={styles.actions}>
          <Button
            type="submit"
            variant="primary"
            busy={isBusy && !isLater}
            disabled={missing > 0 || (isBusy && isLater)}
          >
            {t("onboarding.create")}
          </Button>
          <Button
            variant="quiet"
            busy={isBusy && isLater}
            disabled={isBusy && !isLater}
            onClick={() => void finish(null)}
          >
            {t("onboarding.later")}
          </Button>
          <Button variant="quiet" disabled={isBusy} onClick={() => onboarding.getState().back()}>
            {t("general.back")}
          </Button>
        </div>
        <p role="status" className={styles.help}>
          {isBusy ? t("onboarding.creating") : ""}
        </p>
      </form>
    </DoorFrame>
  );
}
