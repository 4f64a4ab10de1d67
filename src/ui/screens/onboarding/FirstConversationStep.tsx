import { useEffect } from "react";
import { useRouter, useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { OfferList } from "#ui/screens/conversations/OfferList.tsx";
import { PasteInvite } from "#ui/screens/conversations/PasteInvite.tsx";
import { threadRoute } from "#ui/routes.ts";
import { useText } from "#ui/text/text.tsx";
import { DoorFrame } from "./DoorFrame.tsx";
import styles from "./DoorFrame.module.css";

/** The last step: one of the agents offered here, or an invite link. */
export function FirstConversationStep() {
  const t = useText();
  const { onboarding } = useStores();
  const router = useRouter();
  const offers = useStore("onboarding", (state) => state.offers);
  const { finish, loadOffers } = onboarding.getState();
  useEffect(() => void loadOffers(), [loadOffers]);
  return (
    <DoorFrame
      eyebrow={t("onboarding.step", { step: 3, total: 3 })}
      title={t("onboarding.firstTitle")}
      help={offers?.length === 0 ? t("onboarding.firstNone") : t("onboarding.firstHelp")}
    >
      {offers === null ? (
        <Skeleton lines={3} label={t("general.loading")} />
      ) : (
        <OfferList
          offers={offers}
          onOpened={(conversationId) => {
            router.replace(threadRoute(conversationId));
            finish();
          }}
        />
      )}
      <PasteInvite onOpened={finish} />
      <div className={styles.onward}>
        <Button variant="quiet" onClick={finish}>
          {t("onboarding.skip")}
        </Button>
      </div>
    </DoorFrame>
  );
}
