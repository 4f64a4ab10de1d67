import { useCallback, useEffect, useState } from "react";
import type {
  AgentInvitesView,
  AgentInviteView,
  BridgeFailure,
  OwnAgentView,
} from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Checkbox } from "#ui/kit/Choices.tsx";
import { QrCode } from "#ui/kit/QrCode.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { useCopy } from "#ui/markdown/use-copy.ts";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./Agents.module.css";

const LINK_DAYS = 7;

type AgentLinksProps = {
  agentId: OwnAgentView["id"];
  /** A conversation is about to be opened elsewhere. */
  onOpened: () => void;
};

/** The links by which people come to an agent, and what they prove. */
export function AgentLinks({ agentId, onOpened }: AgentLinksProps) {
  const t = useText();
  const { calls, contacts, notices } = useStores();
  const { view, failure, setView, reload } = useInvites(agentId);
  const takeBack = async ({ inviteId }: AgentInviteView): Promise<void> => {
    const answer = await calls.removeAgentInvite({ agentId, inviteId });
    if (!answer.ok) notices.showFailure(answer.failure);
    reload();
  };
  const open = ({ url }: AgentInviteView): void => {
    onOpened();
    void contacts.getState().openInvite(url);
  };
  if (view === null)
    return failure === null ? (
      <Skeleton lines={2} label={t("general.loading")} />
    ) : (
      <>
        <FailureNote failure={failure} />
        <div>
          <Button size="small" onClick={reload}>
            {t("general.retry")}
          </Button>
        </div>
      </>
    );
  return (
    <>
      <p className={styles.text}>{t("agents.linksHelp")}</p>
      {view.invites.length > 0 && (
        <ul className={styles.links}>
          {view.invites.map((invite) => (
            <LinkItem
              key={invite.inviteId}
              invite={invite}
              onOpen={() => open(invite)}
              onTakeBack={() => void takeBack(invite)}
            />
          ))}
        </ul>
      )}
      <NewLink agentId={agentId} onMade={setView} />
    </>
  );
}

function useInvites(agentId: OwnAgentView["id"]) {
  const { calls } = useStores();
  const [view, setView] = useState<AgentInvitesView | null>(null);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const load = useCallback(() => {
    let isWanted = true;
    void calls.listAgentInvites({ agentId }).then((answer) => {
      if (!isWanted) return;
      if (answer.ok) setView(answer.value);
      setFailure(answer.ok ? null : answer.failure);
    });
    return () => {
      isWanted = false;
    };
  }, [calls, agentId]);
  useEffect(() => load(), [load]);
  return { view, failure, setView, reload: () => void load() };
}

type LinkItemProps = { invite: AgentInviteView; onOpen: () => void; onTakeBack: () => void };

function LinkItem({ invite, onOpen, onTakeBack }: LinkItemProps) {
  const t = useText();
  const formats = useFormats();
  const { copy, isCopied } = useCopy();
  const { url, uses, maxUses, expiresAt, asksApproval } = invite;
  return (
    <li className={styles.link}>
      <QrCode value={url} label={t("agents.linkCode")} />
      <p className={styles.code} translate="no">
        {url}
      </p>
      <p className={styles.text}>
        {formats.sentences(
          maxUses === null
            ? t("agents.uses", { uses })
            : t("agents.usesOf", { uses, max: maxUses }),
          expiresAt === null ? "" : t("agents.until", { time: formats.moment(expiresAt) }),
          asksApproval ? t("agents.asksApproval") : "",
        )}
      </p>
      <div className={styles.actions}>
        <Button size="small" icon={isCopied ? "check" : "copy"} onClick={() => copy(url)}>
          {isCopied ? t("general.copied") : t("new.copyLink")}
        </Button>
        <Button size="small" onClick={onOpen}>
          {t("agents.talk")}
        </Button>
        <Button size="small" variant="dangerQuiet" onClick={onTakeBack}>
          {t("agents.takeBack")}
        </Button>
      </div>
    </li>
  );
}

type NewLinkProps = {
  agentId: OwnAgentView["id"];
  onMade: (view: AgentInvitesView) => void;
};

function NewLink({ agentId, onMade }: NewLinkProps) {
  const t = useText();
  const { calls, notices } = useStores();
  const [isForOne, setIsForOne] = useState(false);
  const [isShort, setIsShort] = useState(true);
  const [asksApproval, setAsksApproval] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const make = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await calls.createAgentInvite({
      agentId,
      maxUses: isForOne ? 1 : null,
      days: isShort ? LINK_DAYS : null,
      asksApproval,
    });
    setIsBusy(false);
    if (answer.ok) onMade(answer.value);
    else notices.showFailure(answer.failure);
  };
  return (
    <>
      <Checkbox label={t("agents.linkForOne")} checked={isForOne} onChange={setIsForOne} />
      <Checkbox
        label={t("agents.linkDays", { days: LINK_DAYS })}
        checked={isShort}
        onChange={setIsShort}
      />
      <Checkbox
        label={t("agents.linkApproval")}
        checked={asksApproval}
        onChange={setAsksApproval}
      />
      <div>
        <Button icon="plus" busy={isBusy} onClick={() => void make()}>
          {t("agents.makeLink")}
        </Button>
      </div>
    </>
  );
}
