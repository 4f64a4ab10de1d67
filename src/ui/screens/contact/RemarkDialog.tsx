import { useState } from "react";
import { MAX_REMARK_CHARACTERS } from "#stores/limits.ts";
import type { ConversationView, PeerView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { useText } from "#ui/text/text.tsx";

type RemarkDialogProps = {
  contact: PeerView;
  /** A plain agent is known on this device alone, and so is its name. */
  channel: ConversationView["channel"];
  onClose: () => void;
};

/** A name of one's own for a contact; an empty one gives the contact's own name back. */
export function RemarkDialog({ contact, channel, onClose }: RemarkDialogProps) {
  const t = useText();
  const { calls } = useStores();
  const { id: accountId, ownName = contact.name } = contact;
  const before = contact.ownName === undefined ? "" : contact.name;
  const [name, setName] = useState(before);
  const { isBusy, failure, run } = useAttempt();
  const isReady = name.trim() !== before;
  const save = async (): Promise<void> => {
    if (await run(() => calls.setRemark({ accountId, name }))) onClose();
  };
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
      title={t("remark.title")}
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
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isBusy) void save();
          else if (!isReady) onClose();
        }}
      >
        <TextField
          label={t("remark.label", { name: ownName })}
          help={t(channel === null ? "remark.help" : "remark.helpHere", { name: ownName })}
          value={name}
          onChange={setName}
          maxLength={MAX_REMARK_CHARACTERS}
          placeholder={ownName}
          dir="auto"
          autoComplete="off"
        />
        <FailureNote failure={failure} />
      </form>
    </Dialog>
  );
}
