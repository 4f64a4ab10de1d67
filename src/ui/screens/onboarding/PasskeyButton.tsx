import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";

/** The way in by a passkey, on a device that is new to the account; absent where the browser has none for it. */
export function PasskeyButton({ variant }: { variant: "secondary" | "quiet" }) {
  const t = useText();
  const { ways } = useStores();
  const hasPasskeys = useStore("ways", (state) => state.hasPasskeys);
  const { isBusy, failure, run } = useAttempt();
  if (!hasPasskeys) return null;
  return (
    <>
      <FailureNote failure={failure} />
      <Button
        variant={variant}
        busy={isBusy}
        onClick={() => void run(() => ways.getState().signInByPasskey())}
      >
        {t("passkey.signIn")}
      </Button>
    </>
  );
}
