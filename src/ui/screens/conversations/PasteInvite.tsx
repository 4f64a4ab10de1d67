import { useState } from "react";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./PasteInvite.module.css";

/** A field for an invite link; what it leads to is shown by the invite sheet. */
export function PasteInvite({ onOpened }: { onOpened?: () => void }) {
  const t = useText();
  const { contacts } = useStores();
  const [url, setUrl] = useState("");
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (url.trim() === "") return;
        void contacts.getState().openInvite(url.trim());
        setUrl("");
        onOpened?.();
      }}
    >
      <TextField
        label={t("new.paste")}
        help={t("new.pasteHelp")}
        value={url}
        onChange={setUrl}
        inputMode="url"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        placeholder="https://"
      />
      <Button type="submit" disabled={url.trim() === ""}>
        {t("new.open")}
      </Button>
    </form>
  );
}
