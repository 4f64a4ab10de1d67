import { useId, useState } from "react";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorForm } from "./DoorForm.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import styles from "./DoorFrame.module.css";

/** An account that exists, brought here by its recovery file and code. */
export function RestoreScreen({ onBack }: { onBack: () => void }) {
  const t = useText();
  const fileId = useId();
  const { account } = useStores();
  const [file, setFile] = useState<File | null>(null);
  const [code, setCode] = useState("");
  const { isBusy, failure, run } = useAttempt();
  const restore = (chosen: File) =>
    run(async () => account.getState().restore({ file: await chosen.text(), code }));
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
      <DoorForm
        submitLabel={t("restore.submit")}
        isReady={file !== null && code.trim() !== ""}
        {...{ isBusy, failure }}
        onSubmit={() => {
          if (file !== null) void restore(file);
        }}
        status={isBusy ? t("restore.busy") : ""}
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
      </DoorForm>
    </DoorFrame>
  );
}
