import { MAX_REMARK_CHARACTERS } from "#stores/limits.ts";
import type { ConversationView, PeerView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { NameDialog } from "#ui/screens/shell/NameDialog.tsx";
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
  return (
    <NameDialog
      title={t("remark.title")}
      label={t("remark.label", { name: ownName })}
      help={t(channel === null ? "remark.help" : "remark.helpHere", { name: ownName })}
      before={contact.ownName === undefined ? "" : contact.name}
      mayBeEmpty
      maxLength={MAX_REMARK_CHARACTERS}
      placeholder={ownName}
      onSave={(name) => calls.setRemark({ accountId, name })}
      onClose={onClose}
    />
  );
}
