import { useState } from "react";
import type { ConversationView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Switch } from "#ui/kit/Choices.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { ActivityPanel } from "#ui/screens/channels/ActivityPanel.tsx";
import { ConversationAvatar } from "#ui/screens/conversations/ConversationRow.tsx";
import { useText } from "#ui/text/text.tsx";
import { Ask } from "./Ask.tsx";
import styles from "./DetailsPanel.module.css";
import { GroupDetails } from "./GroupDetails.tsx";
import { GroupAbout } from "./GroupProfile.tsx";
import { MadeBy } from "./MadeBy.tsx";
import { RemarkDialog } from "./RemarkDialog.tsx";

type DetailsPanelProps = { view: ConversationView; onSecurity: () => void };

/** Who is here, what one set for this conversation, and the ways out. */
export function DetailsPanel({ view, onSecurity }: DetailsPanelProps) {
  const t = useText();
  const { conversations } = useStores();
  const { setMuted, setPinned } = conversations.getState();
  const [isNaming, setIsNaming] = useState(false);
  return (
    <div className={styles.panel}>
      <header className={styles.head}>
        <ConversationAvatar view={view} />
        <div className={styles.headText}>
          <p className={styles.title}>
            <bdi>{view.title}</bdi>
          </p>
          {view.peer?.ownName !== undefined && (
            <p className={styles.quiet}>
              <bdi>{t("remark.ownName", { name: view.peer.ownName })}</bdi>
            </p>
          )}
          <p className={styles.quiet}>
            {view.peer === null
              ? t("thread.members", { count: view.members.length })
              : t(`kind.${view.peer.kind}`)}
          </p>
        </div>
        {view.peer !== null && (
          <IconButton
            icon="edit"
            size="small"
            label={t("remark.open", { name: view.peer.ownName ?? view.peer.name })}
            onClick={() => setIsNaming(true)}
          />
        )}
      </header>
      {view.peer?.kind === "agent" && view.channel === null && <MadeBy agent={view.peer} />}
      {view.peer !== null && isNaming && (
        <RemarkDialog
          contact={view.peer}
          channel={view.channel}
          onClose={() => setIsNaming(false)}
        />
      )}
      {view.group !== null && <GroupAbout view={view} group={view.group} />}
      {view.can.includes("verify") && (
        <Button icon="shield-check" onClick={onSecurity}>
          {t("details.verify")}
        </Button>
      )}
      <div className={styles.group}>
        <Switch
          label={t("details.mute")}
          help={t("details.muteHelp")}
          checked={view.muted}
          onChange={(muted) => void setMuted(view.id, muted)}
        />
        <Switch
          label={t("details.pin")}
          checked={view.pinned}
          onChange={(pinned) => void setPinned(view.id, pinned)}
        />
      </div>
      {view.kind === "group" && <GroupDetails view={view} />}
      <ActivityPanel view={view} />
      {view.channel === null ? <WaysOut view={view} /> : <Forget view={view} />}
    </div>
  );
}

/** Leaving, ending, deleting; and once it is over, taking it off the list. */
function WaysOut({ view }: { view: ConversationView }) {
  const t = useText();
  const { calls } = useStores();
  const [asking, setAsking] = useState<"none" | "leave" | "delete" | "forget">("none");
  const conversationId = view.id;
  const isGroup = view.kind === "group";
  const isOwner = view.group?.role === "owner";
  const isOver =
    !view.sending.allowed &&
    (view.sending.because === "ended" || view.sending.because === "removed");
  const name = view.peer?.name ?? view.title;
  const close = (): void => setAsking("none");
  if (isOver)
    return (
      <div className={styles.group}>
        <div>
          <Button variant="dangerQuiet" icon="trash" onClick={() => setAsking("forget")}>
            {t("details.forget")}
          </Button>
        </div>
        <Ask
          open={asking === "forget"}
          onOpenChange={close}
          title={t("details.forgetQuestion", { name })}
          help={t("details.forgetHelp")}
          confirm={t("details.forget")}
          act={() => calls.forgetConversation({ conversationId })}
        />
      </div>
    );
  return (
    <div className={styles.group}>
      {isOwner ? (
        <div className={styles.action}>
          <Button variant="dangerQuiet" icon="trash" onClick={() => setAsking("delete")}>
            {t("details.deleteGroup")}
          </Button>
          <p className={styles.quiet}>{t("details.ownerLeaves")}</p>
        </div>
      ) : (
        <div>
          <Button
            variant="dangerQuiet"
            icon={isGroup ? "log-out" : "ban"}
            onClick={() => setAsking("leave")}
          >
            {isGroup ? t("details.leave") : t("details.end")}
          </Button>
        </div>
      )}
      <Ask
        open={asking === "leave"}
        onOpenChange={close}
        title={isGroup ? t("details.leaveQuestion") : t("details.endQuestion", { name })}
        help={isGroup ? t("details.leaveHelp") : t("details.endHelp")}
        confirm={isGroup ? t("details.leave") : t("details.end")}
        act={() =>
          isGroup ? calls.leaveGroup({ conversationId }) : calls.revokeRelation({ conversationId })
        }
      />
      <Ask
        open={asking === "delete"}
        onOpenChange={close}
        title={t("details.deleteGroupQuestion", { name })}
        help={t("details.deleteGroupHelp")}
        confirm={t("details.deleteGroup")}
        typed={view.title}
        act={() => calls.deleteGroup({ conversationId })}
      />
    </div>
  );
}

/** A plain agent is nobody's relation: it is only forgotten here, with its key and all that was said. */
function Forget({ view }: { view: ConversationView }) {
  const t = useText();
  const { calls } = useStores();
  const [isAsking, setIsAsking] = useState(false);
  return (
    <div className={styles.group}>
      <div>
        <Button variant="dangerQuiet" icon="trash" onClick={() => setIsAsking(true)}>
          {t("channel.forget")}
        </Button>
      </div>
      <Ask
        open={isAsking}
        onOpenChange={setIsAsking}
        title={t("channel.forgetQuestion", { name: view.title })}
        help={t("channel.forgetHelp")}
        confirm={t("channel.forget")}
        act={() => calls.removeAgent({ conversationId: view.id })}
      />
    </div>
  );
}
