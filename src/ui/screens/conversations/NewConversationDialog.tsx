import { useEffect, useRef, useState, type RefObject } from "react";
import { selectOpenAccount } from "#stores/account-store.ts";
import { useRouter, useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { threadRoute } from "#ui/routes.ts";
import { useText } from "#ui/text/text.tsx";
import { AddByAddress } from "#ui/screens/channels/AddByAddress.tsx";
import { GroupForm } from "./GroupForm.tsx";
import { InviteLink } from "./InviteLink.tsx";
import styles from "./NewConversationDialog.module.css";
import { OfferList } from "./OfferList.tsx";
import { PasteInvite } from "./PasteInvite.tsx";

type NewConversationDialogProps = { open: boolean; onOpenChange: (open: boolean) => void };

/** The ways to a conversation: an agent of this server, a link got, a link given, a group. */
export function NewConversationDialog({ open, onOpenChange }: NewConversationDialogProps) {
  const t = useText();
  const [isGroup, setIsGroup] = useState(false);
  const [isAddress, setIsAddress] = useState(false);
  const router = useRouter();
  const field = useRef<HTMLInputElement>(null);
  const close = (): void => {
    onOpenChange(false);
    setIsGroup(false);
    setIsAddress(false);
  };
  if (isAddress)
    return (
      <Dialog open={open} onOpenChange={close} title={t("add.title")} description={t("add.help")}>
        <AddByAddress
          onAdded={(id) => {
            close();
            router.go(threadRoute(id));
          }}
          onBack={() => setIsAddress(false)}
        />
      </Dialog>
    );
  if (isGroup)
    return (
      <Dialog
        open={open}
        onOpenChange={close}
        title={t("new.group")}
        description={t("new.groupHelp")}
      >
        <GroupForm onCreated={close} onBack={() => setIsGroup(false)} />
      </Dialog>
    );
  return (
    <Dialog open={open} onOpenChange={close} title={t("new.title")} initialFocus={field}>
      <Ways
        field={field}
        onClose={close}
        onGroup={() => setIsGroup(true)}
        onAddress={() => setIsAddress(true)}
      />
    </Dialog>
  );
}

type WaysProps = {
  field: RefObject<HTMLInputElement | null>;
  onClose: () => void;
  onGroup: () => void;
  onAddress: () => void;
};

function Ways({ field, onClose, onGroup, onAddress }: WaysProps) {
  const t = useText();
  const router = useRouter();
  const { onboarding } = useStores();
  const offers = useStore("onboarding", (state) => state.offers);
  const account = useStore("account", selectOpenAccount);
  useEffect(() => void onboarding.getState().loadOffers(), [onboarding]);
  const open = offers?.filter((offer) => offer.alreadyIn === null) ?? [];
  return (
    <div className={styles.ways}>
      <PasteInvite field={field} onOpened={onClose} />
      {open.length > 0 && (
        <section className={styles.way}>
          <h3 className={styles.title}>{t("new.offered")}</h3>
          <OfferList
            offers={open}
            onOpened={(id) => {
              onClose();
              router.go(threadRoute(id));
            }}
          />
        </section>
      )}
      {account !== null && (
        <section className={styles.way}>
          <h3 className={styles.title}>{t("new.mineTitle")}</h3>
          <InviteLink url={account.inviteUrl} />
        </section>
      )}
      <section className={styles.way}>
        <Button icon="users" onClick={onGroup}>
          {t("new.group")}
        </Button>
        <Button icon="agent" onClick={onAddress}>
          {t("add.open")}
        </Button>
      </section>
    </div>
  );
}
