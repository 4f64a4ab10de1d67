import { useRef } from "react";
import type { BridgeFailure, InviteView } from "#stores/views.ts";
import { useRouter, useStore, useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { threadRoute } from "#ui/routes.ts";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./InviteSheet.module.css";

/** Shows whom an invite link leads to, and asks before anything is sent. */
export function InviteSheet() {
  const t = useText();
  const { contacts } = useStores();
  const state = useStore("contacts", ({ invite }) => invite);
  const { dismissInvite } = contacts.getState();
  const close = (open: boolean): void => {
    if (!open) dismissInvite();
  };
  switch (state.status) {
    case "none":
      return null;
    case "opening":
      return (
        <Dialog open onOpenChange={close} title={t("invite.opening")}>
          <Skeleton lines={3} label={t("invite.opening")} />
        </Dialog>
      );
    case "failed":
      return (
        <Dialog
          open
          onOpenChange={close}
          title={t("invite.failedTitle")}
          footer={<Button onClick={dismissInvite}>{t("general.close")}</Button>}
        >
          <FailureNote failure={state.failure} />
        </Dialog>
      );
    case "open":
      return (
        <OpenInvite
          invite={state.invite}
          isBusy={state.accepting.status === "busy"}
          failure={state.accepting.status === "failed" ? state.accepting.failure : null}
          onOpenChange={close}
        />
      );
    default:
      return state satisfies never;
  }
}

type OpenInviteProps = {
  invite: InviteView;
  isBusy: boolean;
  failure: BridgeFailure | null;
  onOpenChange: (open: boolean) => void;
};

function OpenInvite({ invite, isBusy, failure, onOpenChange }: OpenInviteProps) {
  const t = useText();
  const { contacts, notices } = useStores();
  const router = useRouter();
  const go = useRef<HTMLButtonElement>(null);
  const { alreadyIn, name } = invite;
  const isRequested = invite.kind === "human" && invite.requested;
  const accept = async (): Promise<void> => {
    const answer = await contacts.getState().acceptInvite();
    if (!answer.ok) return;
    if (answer.value === null) notices.showNote("request-sent");
    else router.go(threadRoute(answer.value));
  };
  const goThere = (): void => {
    if (alreadyIn === null) return;
    contacts.getState().dismissInvite();
    router.go(threadRoute(alreadyIn));
  };
  return (
    <Dialog
      open
      onOpenChange={onOpenChange}
      initialFocus={go}
      title={
        invite.kind === "agent"
          ? t("invite.titleAgent", { name })
          : t("invite.titlePerson", { name })
      }
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>
            {isRequested ? t("general.close") : t("general.cancel")}
          </Button>
          {alreadyIn !== null && (
            <Button ref={go} variant="primary" onClick={goThere}>
              {t("invite.goThere")}
            </Button>
          )}
          {alreadyIn === null && !isRequested && (
            <Button ref={go} variant="primary" busy={isBusy} onClick={() => void accept()}>
              {invite.kind === "agent" ? t("invite.accept") : t("invite.request")}
            </Button>
          )}
        </>
      }
    >
      <InviteFacts invite={invite} />
      {alreadyIn !== null && <p className={styles.state}>{t("invite.already", { name })}</p>}
      {isRequested && <p className={styles.state}>{t("invite.requested", { name })}</p>}
      <FailureNote failure={failure} />
    </Dialog>
  );
}

function InviteFacts({ invite }: { invite: InviteView }) {
  const t = useText();
  const id = invite.kind === "agent" ? invite.agentId : invite.userId;
  const about = invite.kind === "agent" ? invite.description : `@${invite.handle}`;
  return (
    <div className={styles.facts}>
      <div className={styles.who}>
        <Avatar id={id} name={invite.name} kind={invite.kind} size={56} />
        <div>
          <p className={styles.name}>
            <bdi>{invite.name}</bdi>
          </p>
          <p className={styles.about} dir="auto">
            {about}
          </p>
        </div>
      </div>
      <div className={styles.print}>
        <p className={styles.label}>{t("invite.fingerprint")}</p>
        <p className={styles.digits} translate="no">
          {invite.fingerprintText}
        </p>
        <p className={styles.holds}>{t("invite.fingerprintHolds")}</p>
      </div>
      {invite.kind === "agent" && invite.stateless && (
        <p className={styles.stateless}>{t("invite.stateless")}</p>
      )}
    </div>
  );
}
