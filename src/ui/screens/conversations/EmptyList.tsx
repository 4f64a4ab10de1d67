import { useEffect } from "react";
import { useRouter, useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { threadRoute } from "#ui/routes.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./EmptyList.module.css";
import { OfferList } from "./OfferList.tsx";

/** No conversation yet: the agents that are a press away, and the other ways in. */
export function EmptyList({ onNew }: { onNew: () => void }) {
  const t = useText();
  const router = useRouter();
  const { onboarding } = useStores();
  const offers = useStore("onboarding", (state) => state.offers);
  useEffect(() => {
    if (onboarding.getState().offers === null) void onboarding.getState().loadOffers();
  }, [onboarding]);
  return (
    <div className={styles.empty}>
      <h2 className={styles.title}>{t("list.none")}</h2>
      <p className={styles.help}>{t("list.noneHelp")}</p>
      <OfferList offers={offers ?? []} onOpened={(id) => router.go(threadRoute(id))} />
      <Button icon="plus" onClick={onNew}>
        {t("list.new")}
      </Button>
    </div>
  );
}
