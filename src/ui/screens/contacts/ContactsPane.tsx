import { useState, type ReactNode } from "react";
import { selectOpenAccount } from "#stores/account-store.ts";
import { selectPeople } from "#stores/conversations-store.ts";
import type { ContactRequestView } from "#stores/views.ts";
import { useRouter, useStore, useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { threadRoute } from "#ui/routes.ts";
import { InviteLink } from "#ui/screens/conversations/InviteLink.tsx";
import { PasteInvite } from "#ui/screens/conversations/PasteInvite.tsx";
import { AppLink } from "#ui/screens/shell/AppLink.tsx";
import { PaneHeader } from "#ui/screens/shell/PaneHeader.tsx";
import type { Layout } from "#ui/screens/shell/use-media.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./ContactsPane.module.css";

/** Who wants to talk, whom we asked, and everyone we talk with. */
export function ContactsPane({ layout }: { layout: Layout }) {
  const t = useText();
  const requests = useStore("contacts", (state) => state.requests);
  const byId = useStore("conversations", (state) => state.byId);
  const people = selectPeople({ byId });
  const asked = requests.filter(({ direction }) => direction === "in");
  const waiting = requests.filter(({ direction }) => direction === "out");
  return (
    <>
      <PaneHeader
        title={t("contacts.title")}
        up={layout === "wide" ? undefined : { screen: "home" }}
      />
      <div className={styles.scroll}>
        {asked.length > 0 && (
          <Section title={t("contacts.requestsIn")}>
            {asked.map((request) => (
              <Request key={request.requestId} request={request} />
            ))}
          </Section>
        )}
        {waiting.length > 0 && (
          <Section title={t("contacts.requestsOut")}>
            {waiting.map((request) => (
              <li key={request.requestId} className={styles.row}>
                <Avatar id={request.userId} name={request.name} kind="human" size={40} />
                <Who name={request.name} about={t("contacts.waiting")} />
              </li>
            ))}
          </Section>
        )}
        <Section title={t("contacts.people")}>
          {people.length === 0 && (
            <li className={styles.none}>
              <p>{t("contacts.none")}</p>
              <p>{t("contacts.noneHelp")}</p>
            </li>
          )}
          {people.map(({ conversation, id, kind, name, ownName, presence, trust }) => (
            <li key={id}>
              <AppLink to={threadRoute(conversation.id)} className={styles.row}>
                <Avatar
                  {...{ id, kind, name, presence }}
                  trust={conversation.channel === null ? trust : undefined}
                  size={40}
                />
                <Who
                  name={name}
                  about={
                    ownName === undefined
                      ? t(`kind.${kind}`)
                      : t("remark.ownName", { name: ownName })
                  }
                />
              </AppLink>
            </li>
          ))}
        </Section>
        {layout === "narrow" && <ConnectPanel />}
      </div>
    </>
  );
}

/** The two ways to somebody new: their link, or ours. */
export function ConnectPanel() {
  const t = useText();
  const account = useStore("account", selectOpenAccount);
  return (
    <div className={styles.connect}>
      <section className={styles.way}>
        <h2 className={styles.wayTitle}>{t("new.pasteTitle")}</h2>
        <PasteInvite />
      </section>
      {account !== null && (
        <section className={styles.way}>
          <h2 className={styles.wayTitle}>{t("new.mineTitle")}</h2>
          <InviteLink url={account.inviteUrl} />
        </section>
      )}
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <h2 className={styles.sectionTitle}>{title}</h2>
      <ul className={styles.rows}>{children}</ul>
    </section>
  );
}

function Who({ name, about }: { name: string; about: string }) {
  return (
    <span className={styles.who}>
      <span className={styles.name}>
        <bdi>{name}</bdi>
      </span>
      <span className={styles.about}>
        <bdi>{about}</bdi>
      </span>
    </span>
  );
}

function Request({
  request: { requestId, userId, name, handle },
}: {
  request: ContactRequestView;
}) {
  const t = useText();
  const router = useRouter();
  const { contacts, notices } = useStores();
  const [busy, setBusy] = useState<"accept" | "decline" | null>(null);
  const answer = async (accept: boolean): Promise<void> => {
    setBusy(accept ? "accept" : "decline");
    const answered = await contacts.getState().answerRequest(requestId, accept);
    setBusy(null);
    if (!answered.ok) notices.showFailure(answered.failure);
    else if (answered.value !== null) router.go(threadRoute(answered.value));
  };
  return (
    <li className={styles.request}>
      <Avatar id={userId} name={name} kind="human" size={40} />
      <Who name={name} about={`@${handle}`} />
      <div className={styles.actions}>
        <Button
          size="small"
          variant="quiet"
          busy={busy === "decline"}
          aria-label={t("contacts.declineName", { name })}
          onClick={() => void answer(false)}
        >
          {t("contacts.decline")}
        </Button>
        <Button
          size="small"
          variant="primary"
          busy={busy === "accept"}
          aria-label={t("contacts.acceptName", { name })}
          onClick={() => void answer(true)}
        >
          {t("contacts.accept")}
        </Button>
      </div>
    </li>
  );
}
