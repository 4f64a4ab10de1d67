import { Icon } from "#ui/kit/Icon.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./FileTray.module.css";

/** Says that files may be let go here. */
export function DropHint() {
  const t = useText();
  return (
    <div className={styles.drop}>
      <Icon name="attach" size={24} />
      {t("files.drop")}
    </div>
  );
}
