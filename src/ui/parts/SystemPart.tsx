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
  const actor = params["actor"] ?? params["name"] ?? "?";
  const subject = params["subject"] ?? params["name"] ?? actor;
  switch (event) {
    case "create":
      return t("system.created", { actor });
    case "add":
      return t("system.memberAdded", { actor, subject });
    case "remove":
      return actor === subject
        ? t("system.memberLeft", { subject })
        : t("system.memberRemoved", { actor, subject });
    case "leave":
      return t("system.memberLeft", { subject });
    case "role":
      return t("system.roleChanged", { actor, subject });
    case "device-add":
      return t("system.deviceAdded", { subject });
    case "device-revoke":
      return t("system.deviceRevoked", { subject });
    case "rotate-ik":
    case "key-changed":
      return t("system.keyChanged", { subject });
    case "established":
      return t("system.established");
    case "suspended":
      return t("system.suspended");
    case "restored":
      return t("system.restored");
    case "revoked":
      return t("system.revoked");
    case "artifact.answer_refused":
      return t("system.answerRefused");
    default:
      return t("system.other");
  }
}
