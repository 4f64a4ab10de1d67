import { useState } from "react";
import type { Result } from "#base/result.ts";
import type { BridgeFailure } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { useText } from "#ui/text/text.tsx";

type AskProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  help: string;
  confirm: string;
  /** Words that have to be typed first: for what cannot be taken back and hits others. */
  typed?: string;
  act: () => Promise<Result<null, BridgeFailure>>;
};

/** Asks before something that others notice. */
export function Ask({ open, onOpenChange, title, help, confirm, typed, act }: AskProps) {
  const t = useText();
  const { notices } = useStores();
  const [isBusy, setIsBusy] = useState(false);
  const [text, setText] = useState("");
  const isHeld = typed !== undefined && text.trim() !== typed.trim();
  const close = (next: boolean): void => {
    setText("");
    onOpenChange(next);
  };
  const run = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await act();
    setIsBusy(false);
    close(false);
    if (!answer.ok) notices.showFailure(answer.failure);
  };
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={close}
      title={title}
      description={help}
      footer={
        <>
          <Button onClick={() => close(false)}>{t("general.cancel")}</Button>
          <Button variant="danger" disabled={isHeld} busy={isBusy} onClick={() => void run()}>
            {confirm}
          </Button>
        </>
      }
    >
      {typed !== undefined && (
        <TextField
          label={t("details.typeName", { name: typed })}
          value={text}
          onChange={setText}
          autoComplete="off"
          spellCheck={false}
        />
      )}
    </ConfirmDialog>
  );
}
