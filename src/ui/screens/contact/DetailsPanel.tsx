import { useState } from "react";
import { selectPeople } from "#stores/conversations-store.ts";
import type { AccountId, BridgeFailure, ConversationView, MemberView } from "#stores/views.ts";
import type { Result } from "#base/result.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Switch } from "#ui/kit/Choices.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Menu, MenuItem } from "#ui/kit/Menu.tsx";
import { ActivityPanel } from "#ui/screens/channels/ActivityPanel.tsx";
import { ConversationAvatar } from "#ui/screens/conversations/ConversationRow.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./DetailsPanel.module.css";

type DetailsPanelProps = { view: ConversationView; onSecurity: () => void };

/** Who is here, what one set for this conversation, and the ways out. */
export function DetailsPanel({ view, onSecurity }: DetailsPanelProps) {
  const t = useText();
  const { conversations } = useStores();
  const { setMuted, setPinned } = conversations.getState();
  return (
    <div className={styles.panel}>
      <header className={styles.head}>
        <ConversationAvatar view={view} />
        <div className={styles.headText}>
          <p className={styles.title}>
            <bdi>{view.title}</bdi>
          </p>
          <p className={styles.quiet}>
            {view.peer === null
              ? t("thread.members", { count: view.members.length })
              : t(`kind.${view.peer.kind}`)}
          </p>
        </div>
      </header>
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
      {view.kind === "group" && <Members view={view} />}
      <ActivityPanel view={view} />
      {view.channel === null ? <WaysOut view={view} /> : <Forget view={view} />}
    </div>
  );
}

function Members({ view }: { view: ConversationView }) {
  const t = useText();
  const self = view.members.find(({ isSelf }) => isSelf);
  const mayManage = self?.role === "owner" || self?.role === "admin";
  return (
    <section className={styles.group}>
      <div className={styles.groupHead}>
        <h3 className={styles.label}>{t("details.members")}</h3>
        {mayManage && <AddMember view={view} />}
      </div>
      <ul className={styles.members}>
        {view.members.map((member) => (
          <MemberRow
            key={member.id}
            member={member}
            view={view}
            mayRemove={mayManage && !member.isSelf && member.role !== "owner"}
          />
        ))}
      </ul>
    </section>
  );
}

type MemberRowProps = { member: MemberView; view: ConversationView; mayRemove: boolean };

function MemberRow({ member, view, mayRemove }: MemberRowProps) {
  const t = useText();
  const { calls } = useStores();
  const [isAsking, setIsAsking] = useState(false);
  const { id, name, kind, trust, presence, isSelf, role } = member;
  return (
    <li className={styles.member}>
      <Avatar
        {...{ id, name, kind, presence }}
        trust={isSelf || view.channel !== null ? undefined : trust}
        size={32}
      />
      <span className={styles.headText}>
        <span className={styles.name}>
          <bdi>{name}</bdi>
        </span>
        <span className={styles.quiet}>
          {isSelf ? `${t("details.you")} · ` : ""}
          {t(`details.role.${role}`)}
        </span>
      </span>
      {mayRemove && (
        <IconButton
          icon="close"
          size="small"
          label={t("details.remove", { name })}
          onClick={() => setIsAsking(true)}
        />
      )}
      <Ask
        open={isAsking}
        onOpenChange={setIsAsking}
        title={t("details.removeQuestion", { name })}
        help={t("details.removeHelp")}
        confirm={t("details.removeConfirm")}
        act={() => calls.removeMember({ conversationId: view.id, accountId: id })}
      />
    </li>
  );
}

function AddMember({ view }: { view: ConversationView }) {
  const t = useText();
  const { calls, notices } = useStores();
  const byId = useStore("conversations", (state) => state.byId);
  const here = new Set<AccountId>(view.members.map(({ id }) => id));
  const people = selectPeople({ byId }).filter(({ id }) => !here.has(id));
  if (people.length === 0) return null;
  const add = async (accountId: AccountId): Promise<void> => {
    const answer = await calls.addMember({ conversationId: view.id, accountId });
    if (!answer.ok) notices.showFailure(answer.failure);
  };
  return (
    <Menu trigger={<IconButton icon="user-add" size="small" label={t("details.addMember")} />}>
      {people.map(({ id, name, kind }) => (
        <MenuItem key={id} icon={kind === "agent" ? "agent" : "user"} onSelect={() => void add(id)}>
          <bdi>{name}</bdi>
        </MenuItem>
      ))}
    </Menu>
  );
}

function WaysOut({ view }: { view: ConversationView }) {
  const t = useText();
  const { calls } = useStores();
  const [isAsking, setIsAsking] = useState(false);
  if (view.relation === "revoked") return null;
  const isGroup = view.kind === "group";
  const name = view.peer?.name ?? view.title;
  return (
    <div className={styles.group}>
      <div>
        <Button
          variant="dangerQuiet"
          icon={isGroup ? "log-out" : "ban"}
          onClick={() => setIsAsking(true)}
        >
          {isGroup ? t("details.leave") : t("details.end")}
        </Button>
      </div>
      <Ask
        open={isAsking}
        onOpenChange={setIsAsking}
        title={isGroup ? t("details.leaveQuestion") : t("details.endQuestion", { name })}
        help={isGroup ? t("details.leaveHelp") : t("details.endHelp")}
        confirm={isGroup ? t("details.leave") : t("details.end")}
        act={() =>
          isGroup
            ? calls.leaveGroup({ conversationId: view.id })
            : calls.revokeRelation({ conversationId: view.id })
        }
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

type AskProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  help: string;
  confirm: string;
  act: () => Promise<Result<null, BridgeFailure>>;
};

/** Asks before something that others notice. */
function Ask({ open, onOpenChange, title, help, confirm, act }: AskProps) {
  const t = useText();
  const { notices } = useStores();
  const [isBusy, setIsBusy] = useState(false);
  const run = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await act();
    setIsBusy(false);
    onOpenChange(false);
    if (!answer.ok) notices.showFailure(answer.failure);
  };
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      description={help}
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>{t("general.cancel")}</Button>
          <Button variant="danger" busy={isBusy} onClick={() => void run()}>
            {confirm}
          </Button>
        </>
      }
    />
  );
}
