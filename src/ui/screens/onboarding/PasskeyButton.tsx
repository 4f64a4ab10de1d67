import { useState } from "react";
import type { BridgeFailure } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";

/** The way in by a passkey, on a device that is new to the account; absent where the browser has none for it. */
export function PasskeyButton({ variant }: { variant: "secondary" | "quiet" }) {
  const t = useText();
  const { ways } = useStores();
  const hasPasskeys = useStore("ways", (state) => state.hasPasskeys);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  if (!hasPasskeys) return null;
  const signIn = async (): Promise<void> => {
    setIsBusy(true);
    setFailure(null);
    const outcome = await ways.getState().signInByPasskey();
    setIsBusy(false);
    if (!outcome.ok) setFailure(outcome.failure);
  };
  return (
    <>
      <FailureNote failure={failure} />
      <Button variant={variant} busy={isBusy} onClick={() => void signIn()}>
        {t("passkey.signIn")}
      </Button>
    </>
  );
}
