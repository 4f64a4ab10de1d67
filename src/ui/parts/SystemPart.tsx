import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useText, type Say } from "#ui/text/text.tsx";
import styles from "./Note.module.css";

type Params = Readonly<Record<string, string>>;

/** What happened to the conversation itself; drawn outside every message, so that none can look like it. */
export function SystemPart({ event, params }: { event: string; params: Params }) {
  const t = useText();
  return (
    <p className={styles.system}>
      <bdi>
        <HiddenText text={eventToWords(event, params, t)} />
      </bdi>
    </p>
  );
}

/** The words of a system row; an event of no known name gets a sentence that claims nothing. */
export function eventToWords(event: string, params: Params, t: Say): string {
  const actor = params["actor"] ?? "?";
  const subject = params["subject"] ?? actor;
  switch (event) {
    case "member.add":
      return t("system.memberAdded", { actor, subject });
    case "member.remove":
      return actor === subject
        ? t("system.memberLeft", { subject })
        : t("system.memberRemoved", { actor, subject });
    case "member.role":
      return t("system.roleChanged", { actor, subject });
    case "member.device-add":
      return t("system.deviceAdded", { subject });
    case "member.device-revoke":
      return t("system.deviceRevoked", { subject });
    case "member.close":
      return t("system.closed", { actor });
    case "member.invite-policy":
      return t("system.invitePolicy", { actor });
    case "group.keys-renewed":
      return t("system.keysRenewed", { actor });
    case "message.pinned":
      return t("system.pinned", { actor });
    case "message.unpinned":
      return t("system.unpinned", { actor });
    case "group.renamed":
      return t("system.renamed", { name: params["name"] ?? "?" });
    case "group.profile":
      return t("system.groupProfile", { actor, name: params["name"] ?? "?" });
    case "relation.established":
      return t("system.established");
    case "relation.suspended":
      return t("system.suspended");
    case "relation.restored":
      return t("system.restored");
    case "relation.revoked":
      return t("system.revoked");
    case "said.artifact.answer_refused":
      return t("system.answerRefused");
    default:
      return t("system.other");
  }
}
