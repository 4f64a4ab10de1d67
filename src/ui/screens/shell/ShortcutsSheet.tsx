import { Dialog } from "#ui/kit/Dialog.tsx";
import { useStore } from "#ui/StoresContext.tsx";
import { useText } from "#ui/text/text.tsx";
import { commandKey } from "./command-key.ts";
import styles from "./ShortcutsSheet.module.css";

/** All keys in one place. */
export function ShortcutsSheet({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const t = useText();
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t("shortcuts.title")}>
      <ShortcutList />
    </Dialog>
  );
}

export function ShortcutList() {
  const t = useText();
  const enterSends = useStore("settings", (state) => state.enterSends);
  const command = commandKey();
  const rows = [
    [[command, "K"], t("shortcuts.palette")],
    [["?"], t("shortcuts.help")],
    [enterSends ? ["Enter"] : [command, "Enter"], t("shortcuts.send")],
    [enterSends ? ["Shift", "Enter"] : ["Enter"], t("shortcuts.newline")],
    [["@"], t("shortcuts.mention")],
    [["↑"], t("shortcuts.lastMessage")],
    [["↑", "↓"], t("shortcuts.rows")],
    [["Esc"], t("shortcuts.escape")],
  ] as const;
  return (
    <dl className={styles.list}>
      {rows.map(([keys, meaning]) => (
        <div key={meaning} className={styles.row}>
          <dt className={styles.meaning}>{meaning}</dt>
          <dd className={styles.keys}>
            {keys.map((key) => (
              <kbd key={key} className={styles.key}>
                {key}
              </kbd>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
