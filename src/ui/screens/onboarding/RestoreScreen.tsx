import { useId, useState } from "react";
import type { BridgeFailure } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import styles from "./DoorFrame.module.css";

/** An account that exists, brought here by its recovery file and code. */
export function RestoreScreen({ onBack }: { onBack: () => void }) {
  const t = useText();
  const fileId = useId();
  const { account } = useStores();
  const [file, setFile] = useState<File | null>(null);
  const [code, setCode] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const submit = async (chosen: File): Promise<void> => {
    setIsBusy(true);
    setFailure(null);
    const outcome = await account.getState().restore({ file: await chosen.text(), code });
    setIsBusy(false);
    if (!outcome.ok) setFailure(outcome.failure);
  };
  return (
    <DoorFrame
      title={t("restore.title")}
      help={t("restore.help")}
      footer={
        <Button variant="quiet" onClick={onBack} disabled={isBusy}>
          {t("general.back")}
        </Button>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (file !== null && !isBusy) void submit(file);
        }}
      >
        <div className={styles.file}>
          <label htmlFor={fileId}>{t("restore.file")}</label>
          <input
            id={fileId}
            type="file"
            accept="application/json,.json"
            disabled={isBusy}
            onChange={(event) => setFile(event.target.files?.[0] ?? null)}
          />
        </div>
        <TextField
          label={t("recovery.code")}
          value={code}
          onChange={setCode}
          autoCapitalize="characters"
          autoComplete="off"
          spellCheck={false}
          disabled={isBusy}
          required
        />
        <FailureNote failure={failure} />
        <div className={styles.actions}>
          <Button
            type="submit"
            variant="primary"
            busy={isBusy}
            disabled={file === null || code.trim() === ""}
          >
            {t("restore.submit")}
          </Button>
        </div>
        <p role="status" className={styles.help}>
          {isBusy ? t("restore.busy") : ""}
        </p>
      </form>
    </DoorFrame>
  );
}
