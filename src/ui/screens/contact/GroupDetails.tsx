import { useState } from "react";
import { selectPeople } from "#stores/conversations-store.ts";
import type { Result } from "#base/result.ts";
import type {
  AccountId,
  BridgeFailure,
  ConversationView,
  GroupView,
  MemberView,
} from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Switch } from "#ui/kit/Choices.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Menu, MenuItem, MenuSeparator } from "#ui/kit/Menu.tsx";
import { useText } from "#ui/text/text.tsx";
import { Ask } from "./Ask.tsx";
import styles from "./DetailsPanel.module.css";
import { RemarkDialog } from "./RemarkDialog.tsx";
import { GroupProfile } from "./GroupProfile.tsx";

type GroupProps = { view: ConversationView; group: GroupView };

/** What a group shows, its members and their roles, who may add others, and fresh keys. */
export function GroupDetails({ view }: { view: ConversationView }) {
  const { group } = view;
  if (group === null || !view.sending.allowed) return <Members view={view} group={null} />;
  const mayManage = group.role !== "member";
  return (
    <>
      {mayManage && (
        <GroupProfile key={`${view.title} ${group.description}`} view={view} group={group} />
      )}
      <Members view={view} group={group} />
      {mayManage && <Rights view={view} group={group} />}
    </>
  );
}

/** Tells of a failure and nothing else: what was done shows by itself. */
function useTell() {
  const { notices } = useStores();
  return async (answer: Promise<Result<null, BridgeFailure>>): Promise<void> => {
    const answered = await answer;
    if (!answered.ok) notices.showFailure(answered.failure);
  };
}

function Members({ view, group }: { view: ConversationView; group: GroupView | null }) {
  const t = useText();
  return (
    <section className={styles.group}>
      <div className={styles.groupHead}>
        <h3 className={styles.label}>{t("details.members")}</h3>
        {group?.mayAdd === true && <AddMember view={view} />}
      </div>
      <ul className={styles.members}>
        {view.members.map((member) => (
          <MemberRow key={member.id} member={member} view={view} group={group} />
        ))}
      </ul>
    </section>
  );
}

type MemberRowProps = { member: MemberView; view: ConversationView; group: GroupView | null };

function MemberRow({ member, view, group }: MemberRowProps) {
  const t = useText();
  const { id, name, ownName, kind, trust, presence, isSelf, role } = member;
  const isOwner = group?.role === "owner";
  const mayRemove = group !== null && group.role !== "member" && role !== "owner";
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
          {ownName === undefined ? null : (
            <>
              <bdi>{t("remark.ownName", { name: ownName })}</bdi>
              {" · "}
            </>
          )}
          {t(`details.role.${role}`)}
        </span>
      </span>
      {!isSelf && (
        <MemberMenu {...{ member, view, mayRemove }} mayGiveRoles={isOwner && kind === "human"} />
      )}
    </li>
  );
}

type MemberMenuProps = {
  member: MemberView;
  view: ConversationView;
  mayRemove: boolean;
  mayGiveRoles: boolean;
};

function MemberMenu({ member, view, mayRemove, mayGiveRoles }: MemberMenuProps) {
  const t = useText();
  const { calls } = useStores();
  const tell = useTell();
  const [asking, setAsking] = useState<"none" | "name" | "remove" | "hand-over">("none");
  const { id: accountId, name, role } = member;
  const conversationId = view.id;
  const other = role === "admin" ? "member" : "admin";
  const close = (): void => setAsking("none");
  return (
    <>
      <Menu
        trigger={
          <IconButton icon="more" size="small" label={t("details.memberActions", { name })} />
        }
      >
        <MenuItem icon="edit" onSelect={() => setAsking("name")}>
          {t("remark.menu")}
        </MenuItem>
        {(mayGiveRoles || mayRemove) && <MenuSeparator />}
        {mayGiveRoles && (
          <>
            <MenuItem
              icon="shield"
              onSelect={() => void tell(calls.setRole({ conversationId, accountId, role: other }))}
            >
              {t(`details.make.${other}`)}
            </MenuItem>
            <MenuItem icon="key" onSelect={() => setAsking("hand-over")}>
              {t("details.handOver")}
            </MenuItem>
            {mayRemove && <MenuSeparator />}
          </>
        )}
        {mayRemove && (
          <MenuItem icon="close" danger onSelect={() => setAsking("remove")}>
            {t("details.remove", { name })}
          </MenuItem>
        )}
      </Menu>
      {asking === "name" && (
        <RemarkDialog contact={member} channel={view.channel} onClose={close} />
      )}
      <Ask
        open={asking === "remove"}
        onOpenChange={close}
        title={t("details.removeQuestion", { name })}
        help={t("details.removeHelp")}
        confirm={t("details.removeConfirm")}
        act={() => calls.removeMember({ conversationId, accountId })}
      />
      <Ask
        open={asking === "hand-over"}
        onOpenChange={close}
        title={t("details.handOverQuestion", { name })}
        help={t("details.handOverHelp", { name })}
        confirm={t("details.handOver")}
        typed={name}
        act={() => calls.setRole({ conversationId, accountId, role: "owner" })}
      />
    </>
  );
}

function AddMember({ view }: { view: ConversationView }) {
  const t = useText();
  const { calls } = useStores();
  const tell = useTell();
  const byId = useStore("conversations", (state) => state.byId);
  const here = new Set<AccountId>(view.members.map(({ id }) => id));
  const people = selectPeople({ byId }).filter(({ id }) => !here.has(id));
  if (people.length === 0) return null;
  return (
    <Menu trigger={<IconButton icon="user-add" size="small" label={t("details.addMember")} />}>
      {people.map(({ id, name, kind }) => (
        <MenuItem
          key={id}
          icon={kind === "agent" ? "agent" : "user"}
          onSelect={() => void tell(calls.addMember({ conversationId: view.id, accountId: id }))}
        >
          <bdi>{name}</bdi>
        </MenuItem>
      ))}
    </Menu>
  );
}

function Rights({ view, group }: GroupProps) {
  const t = useText();
  const { calls, notices } = useStores();
  const tell = useTell();
  const [isBusy, setIsBusy] = useState(false);
  const rotate = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await calls.rotateGroupKeys({ conversationId: view.id });
    setIsBusy(false);
    if (answer.ok) notices.showNote("keys-renewed");
    else notices.showFailure(answer.failure);
  };
  return (
    <div className={styles.group}>
      <Switch
        label={t("details.membersMayAdd")}
        help={t("details.membersMayAddHelp")}
        checked={group.membersMayAdd}
        onChange={(membersMayAdd) =>
          void tell(calls.setMembersMayAdd({ conversationId: view.id, membersMayAdd }))
        }
      />
      <div className={styles.action}>
        <Button icon="key" busy={isBusy} onClick={() => void rotate()}>
          {t("details.renewKeys")}
        </Button>
        <p className={styles.quiet}>{t("details.renewKeysHelp")}</p>
      </div>
    </div>
  );
}
