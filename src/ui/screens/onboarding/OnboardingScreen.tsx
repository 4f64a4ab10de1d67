import { useState } from "react";
import { MAX_DISPLAY_NAME_CHARACTERS } from "#stores/limits.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Fetching } from "#ui/fetching/Fetching.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { FirstConversationStep, PasswordStep } from "#ui/screens/fetched-screens.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorForm } from "./DoorForm.tsx";
import { DoorFrame } from "./DoorFrame.tsx";

/** Name, password, a first conversation. */
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
      return (
        <Fetching place="door">
          <PasswordStep />
        </Fetching>
      );
    case "first-conversation":
      return (
        <Fetching place="door">
          <FirstConversationStep />
        </Fetching>
      );
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
