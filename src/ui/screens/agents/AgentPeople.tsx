import { useEffect, useState } from "react";
import type { AgentRelationChange, AgentRelationView, OwnAgentView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Menu, MenuItem, MenuSeparator } from "#ui/kit/Menu.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { Ask } from "#ui/screens/contact/Ask.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Agents.module.css";

/** Rows drawn at first, and more with each press: a public agent has very many. */
const AT_ONCE = 30;

/** Who is connected with an agent: those who wait to be let in first. */
export function AgentPeople({ agentId }: { agentId: OwnAgentView["id"] }) {
  const t = useText();
  const { sentences } = useFormats();
  const { ownAgents } = useStores();
  const { watchRelations, loadRelations } = ownAgents.getState();
  const relations = useStore("ownAgents", (state) => state.relations);
  const failure = useStore("ownAgents", (state) => state.relationsFailure);
  const [shown, setShown] = useState(AT_ONCE);
  useEffect(() => watchRelations(agentId), [watchRelations, agentId]);
  const waiting = relations?.filter(({ status }) => status === "pending").length ?? 0;
  const connected = t("agents.peopleCount", { count: (relations?.length ?? 0) - waiting });
  const left = (relations?.length ?? 0) - shown;
  return (
    <section className={styles.part} aria-label={t("agents.people")}>
      <h3 className={styles.title}>{t("agents.people")}</h3>
      {failure !== null && (
        <>
          <FailureNote failure={failure} />
          <div>
            <Button size="small" onClick={() => void loadRelations()}>
              {t("general.retry")}
            </Button>
          </div>
        </>
      )}
      {relations === null && failure === null && (
        <Skeleton lines={2} label={t("general.loading")} />
      )}
      {relations !== null && (
        <p className={styles.text} role="status">
          {relations.length === 0
            ? t("agents.peopleNone")
            : waiting === 0
              ? connected
              : sentences(t("agents.peopleWaiting", { count: waiting }), connected)}
        </p>
      )}
      {relations !== null && relations.length > 0 && (
        <ul className={styles.people}>
          {relations.slice(0, shown).map((relation) => (
            <PersonRow key={relation.relationId} relation={relation} />
          ))}
        </ul>
      )}
      {left > 0 && (
        <div>
          <Button size="small" onClick={() => setShown(shown + AT_ONCE)}>
            {t("agents.peopleMore", { count: left })}
          </Button>
        </div>
      )}
    </section>
  );
}

function PersonRow({ relation }: { relation: AgentRelationView }) {
  const t = useText();
  const formats = useFormats();
  const { calls, notices, ownAgents } = useStores();
  const [busy, setBusy] = useState<AgentRelationChange | null>(null);
  const [isAsking, setIsAsking] = useState(false);
  const { relationId, userId, handle, status, since } = relation;
  const name = relation.name === "" ? t("agents.personGone") : relation.name;
  const change = async (to: AgentRelationChange): Promise<void> => {
    setBusy(to);
    const answer = await calls.changeAgentRelation({ relationId, change: to });
    if (!answer.ok) notices.showFailure(answer.failure);
    await ownAgents.getState().loadRelations();
    setBusy(null);
  };
  const end = async () => {
    const answer = await calls.changeAgentRelation({ relationId, change: "revoke" });
    await ownAgents.getState().loadRelations();
    return answer;
  };
  const isWaiting = status === "pending";
  return (
    <li className={styles.person}>
      <Avatar id={userId} name={name} kind="human" size={32} />
      <span className={styles.words}>
        <span className={styles.name}>
          <bdi>{name}</bdi>
        </span>
        {handle !== "" && (
          <span className={styles.status}>
            <bdi>@{handle}</bdi>
          </span>
        )}
        <span className={styles.status}>
          {t(`agents.person.${status}`, { time: formats.moment(since) })}
        </span>
      </span>
      {isWaiting ? (
        <span className={styles.personActions}>
          <Button
            size="small"
            variant="quiet"
            aria-label={t("agents.declineName", { name })}
            onClick={() => setIsAsking(true)}
          >
            {t("agents.decline")}
          </Button>
          <Button
            size="small"
            variant="primary"
            busy={busy === "approve"}
            aria-label={t("agents.approveName", { name })}
            onClick={() => void change("approve")}
          >
            {t("agents.approve")}
          </Button>
        </span>
      ) : (
        <Menu
          trigger={
            <IconButton
              icon="more"
              size="small"
              disabled={busy !== null}
              label={t("agents.personActions", { name })}
            />
          }
        >
          <MenuItem
            icon={status === "suspended" ? "retry" : "circle-pause"}
            onSelect={() => void change(status === "suspended" ? "restore" : "suspend")}
          >
            {t(status === "suspended" ? "agents.restore" : "agents.suspend")}
          </MenuItem>
          <MenuSeparator />
          <MenuItem icon="ban" danger onSelect={() => setIsAsking(true)}>
            {t("agents.end")}
          </MenuItem>
        </Menu>
      )}
      <Ask
        open={isAsking}
        onOpenChange={setIsAsking}
        title={t(isWaiting ? "agents.declineQuestion" : "agents.endQuestion", { name })}
        help={t(isWaiting ? "agents.declineHelp" : "agents.endHelp")}
        confirm={t(isWaiting ? "agents.decline" : "agents.end")}
        act={end}
      />
    </li>
  );
}
