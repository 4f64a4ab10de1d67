import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { useText } from "#ui/text/text.tsx";

/** A device link opened where there is an account already: said until somebody has read it. */
export function OpenedLinkDialog() {
  const t = useText();
  const { devices } = useStores();
  const opened = useStore("devices", (state) => state.opened);
  const status = useStore("account", (state) => state.account.status);
  const close = (): void => devices.getState().dropOpened();
  return (
    <Dialog
      open={opened !== null && (status === "open" || status === "locked")}
      onOpenChange={(isOpen) => {
        if (!isOpen) close();
      }}
      title={t("failure.alreadyHere.title")}
      description={t("failure.alreadyHere.advice")}
      footer={
        <Button variant="primary" onClick={close}>
          {t("general.done")}
        </Button>
      }
    />
  );
}
