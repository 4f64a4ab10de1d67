import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./NewBelow.module.css";
import type { Follow } from "./use-follow.ts";

/** The way back to the newest row, with what came meanwhile. */
export function NewBelow({ follow }: { follow: Follow }) {
  const t = useText();
  const { thread } = useStores();
  const hasAfter = useStore("thread", (state) => state.hasAfter);
  const { newBelow, isAway } = follow;
  if (newBelow === 0 && !isAway && !hasAfter) return null;
  const go = async (): Promise<void> => {
    await thread.getState().showNewest();
    follow.tell({ type: "went-to-end" });
  };
  return (
    <div className={styles.place}>
      <button type="button" className={styles.pill} onClick={() => void go()}>
        <Icon name="arrow-down" size={14} />
        {t("thread.newBelow", { count: newBelow })}
      </button>
    </div>
  );
}
