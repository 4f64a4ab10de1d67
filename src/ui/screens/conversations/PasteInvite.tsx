import { useState, type RefObject } from "react";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./PasteInvite.module.css";

type PasteInviteProps = { onOpened?: () => void; field?: RefObject<HTMLInputElement | null> };

/** A field for an invite link; what it leads to is shown by the invite sheet. */
export function PasteInvite({ onOpened, field }: PasteInviteProps) {
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
        {...(field === undefined ? {} : { ref: field })}
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
