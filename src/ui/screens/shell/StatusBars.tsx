import { useState } from "react";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { HistoryBar } from "#ui/screens/devices/HistoryBar.tsx";
import { WipeDialog } from "#ui/screens/settings/WipeDialog.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./StatusBars.module.css";

/** Thin bars over everything: no line, or a newer version. They cover nothing and ask for nothing at once. */
export function StatusBars() {
  return (
    <>
      <ConnectionBar />
      <HistoryBar />
      <UpdateBar />
    </>
  );
}

function ConnectionBar() {
  const t = useText();
  const formats = useFormats();
  const connection = useStore("connection", (state) => state.connection);
  const since = "since" in connection ? connection.since : null;
  if (connection.status === "online") return null;
  if (connection.status === "refused" && connection.reason === "device-removed")
    return <RemovedBar />;
  if (connection.status === "refused")
    return (
      <div className={styles.bar} data-kind="refused" role="status">
        <Icon name="circle-alert" size={14} />
        <span>{t(`connection.${connection.reason}`)}</span>
        <Button size="small" variant="quiet" onClick={() => location.reload()}>
          {t("connection.reload")}
        </Button>
      </div>
    );
  // A first connection is no outage: nothing is said until one was lost.
  if (since === null) return null;
  return (
    <div className={styles.bar} data-kind="offline" role="status">
      <Icon name="offline" size={14} />
      <span>{t("connection.offline", { time: formats.time(since) })}</span>
      {connection.status === "connecting" && (
        <span className={styles.quiet}>{t("connection.connecting")}…</span>
      )}
    </div>
  );
}

/** Nothing leads back from here but the erasure of what lies on this device. */
function RemovedBar() {
  const t = useText();
  const [isWiping, setIsWiping] = useState(false);
  return (
    <div className={styles.bar} data-kind="refused" role="alert">
      <Icon name="circle-alert" size={14} />
      <span>{t("connection.device-removed")}</span>
      <Button size="small" variant="quiet" onClick={() => setIsWiping(true)}>
        {t("settings.wipe")}
      </Button>
      <WipeDialog open={isWiping} onOpenChange={setIsWiping} hasPassword />
    </div>
  );
}

function UpdateBar() {
  const t = useText();
  const { update } = useStores();
  const status = useStore("update", (state) => state.status);
  if (status === "current") return null;
  return (
    <div className={styles.bar} data-kind="update" role="status">
      <span>{t("update.available")}</span>
      <Button
        size="small"
        variant="quiet"
        busy={status === "applying"}
        onClick={() => void update.getState().apply()}
      >
        {t("update.apply")}
      </Button>
    </div>
  );
}
