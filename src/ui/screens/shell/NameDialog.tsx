import { useState, type ComponentProps } from "react";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { useText } from "#ui/text/text.tsx";
import { FailureNote } from "./FailureNote.tsx";
import styles from "./NameDialog.module.css";
import { useAttempt, type Attempt } from "./use-attempt.ts";

type NameDialogProps = Pick<
  ComponentProps<typeof TextField>,
  "label" | "help" | "maxLength" | "placeholder"
> & {
  title: string;
  /** The name as it stands; empty where there is none. */
  before: string;
  /** Whether a name may be taken away. */
  mayBeEmpty: boolean;
  onSave: (name: string) => ReturnType<Parameters<Attempt["run"]>[0]>;
  onSaved?: () => void;
  onClose: () => void;
};

/** Asks for one name, saves it and says why it could not. */
export function NameDialog({
  title,
  before,
  mayBeEmpty,
  onSave,
  onSaved,
  onClose,
  ...field
}: NameDialogProps) {
  const t = useText();
  const [name, setName] = useState(before);
  const { isBusy, failure, run } = useAttempt();
  const isSame = name.trim() === before;
  const isReady = !isSame && (mayBeEmpty || name.trim() !== "");
  const save = async (): Promise<void> => {
    if (!(await run(() => onSave(name)))) return;
    onClose();
    onSaved?.();
  };
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
      title={title}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button variant="primary" busy={isBusy} disabled={!isReady} onClick={() => void save()}>
            {t("settings.save")}
          </Button>
        </>
      }
    >
      <form
        className={styles.stack}
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isBusy) void save();
          else if (isSame) onClose();
        }}
      >
        <TextField value={name} onChange={setName} dir="auto" autoComplete="off" {...field} />
        <FailureNote failure={failure} />
      </form>
    </Dialog>
  );
}
