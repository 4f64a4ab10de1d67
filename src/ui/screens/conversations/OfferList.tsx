import { useState } from "react";
import { offerUrl } from "#stores/contacts-store.ts";
import type { ConversationId, InviteView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./OfferList.module.css";

type OfferListProps = {
  offers: readonly InviteView[];
  onOpened: (conversationId: ConversationId) => void;
};
type AgentInvite = Extract<InviteView, { kind: "agent" }>;

/** The agents that this server offers, each one press away from a conversation. */
export function OfferList({ offers, onOpened }: OfferListProps) {
  const t = useText();
  const { calls, notices } = useStores();
  const [busyCode, setBusyCode] = useState<string | null>(null);
  const start = async ({ alreadyIn, code }: AgentInvite): Promise<void> => {
    if (alreadyIn !== null) return onOpened(alreadyIn);
    setBusyCode(code);
    const answer = await calls.acceptInvite({ url: offerUrl(code) });
    setBusyCode(null);
    if (!answer.ok) notices.showFailure(answer.failure);
    else if (answer.value !== null) onOpened(answer.value);
  };
  const agents = offers.filter((offer) => offer.kind === "agent");
  if (agents.length === 0) return null;
  return (
    <ul className={styles.offers}>
      {agents.map((offer) => (
        <li key={offer.code} className={styles.offer}>
          <Avatar id={offer.agentId} name={offer.name} kind="agent" size={40} />
          <div className={styles.text}>
            <p className={styles.name}>
              <bdi>{offer.name}</bdi>
            </p>
            {offer.description !== "" && (
              <p className={styles.about} dir="auto">
                {offer.description}
              </p>
            )}
          </div>
          <Button
            size="small"
            aria-label={`${t("onboarding.start")}: ${offer.name}`}
            busy={busyCode === offer.code}
            disabled={busyCode !== null && busyCode !== offer.code}
            onClick={() => void start(offer)}
          >
            {offer.alreadyIn === null ? t("onboarding.start") : t("new.open")}
          </Button>
        </li>
      ))}
    </ul>
  );
}
