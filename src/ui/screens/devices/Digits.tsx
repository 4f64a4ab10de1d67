import { useText } from "#ui/text/text.tsx";
import styles from "./Devices.module.css";

/** The six digits that both devices show, in two groups. */
export function Digits({ digits }: { digits: string }) {
  const t = useText();
  return (
    <p
      className={styles.digits}
      role="group"
      aria-label={t("deviceLink.digits", { digits: Array.from(digits).join(" ") })}
      translate="no"
    >
      <span aria-hidden>{digits.slice(0, 3)}</span>
      <span aria-hidden>{digits.slice(3)}</span>
    </p>
  );
}
