import { useState } from "react";
import type { SecurityView, TrustView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { QrCode } from "#ui/kit/QrCode.tsx";
import { ScanButton } from "#ui/screens/scan/ScanButton.tsx";
import { isSafetyCode, isSameSafetyCode, safetyCodeText } from "#ui/screens/scan/safety-code.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./SecuritySheet.module.css";

type SafetyNumberProps = { reader: SecurityView["readers"][number]; onChange: () => void };

/** What two people compare, and what follows from it. */
export function SafetyNumber({ reader, onChange }: SafetyNumberProps) {
  const t = useText();
  const { name, kind, trust, safetyNumber, safetyCode } = reader;
  return (
    <section className={styles.safety} aria-label={t("security.safety", { name })}>
      <h3 className={styles.name}>{t("security.safety", { name })}</h3>
      <ol className={styles.digits} data-trust={trust satisfies TrustView} translate="no">
        {safetyNumber.map((group, i) => (
          <li key={`${i}-${group}`}>{group}</li>
        ))}
      </ol>
      {safetyCode.length > 0 && (
        <div className={styles.scan}>
          <QrCode value={safetyCodeText(safetyCode)} label={t("security.qr")} />
          <p className={styles.quiet}>{t("security.qrHelp")}</p>
          <ScanVerdict reader={reader} onChange={onChange} />
        </div>
      )}
      {trust === "changed" && (
        <p className={styles.warning}>{t(`security.changedHelp.${reader.change ?? "identity"}`)}</p>
      )}
      <p className={styles.quiet}>
        {kind === "agent" ? t("security.compareAgent") : t("security.compare", { name })}
      </p>
      <Verdict reader={reader} onChange={onChange} />
      {reader.devices.length > 0 && <DeviceKeys reader={reader} />}
    </section>
  );
}

/** The camera compares for the person: equal codes verify, others warn. */
function ScanVerdict({ reader, onChange }: SafetyNumberProps) {
  const t = useText();
  const { calls, notices } = useStores();
  const [isOther, setIsOther] = useState(false);
  const compare = async (read: string): Promise<void> => {
    const isSame = isSameSafetyCode(reader.safetyCode, read);
    setIsOther(!isSame);
    if (!isSame) return;
    const { id: accountId, fingerprintText } = reader;
    const answer = await calls.setVerified({ accountId, verified: true, fingerprintText });
    onChange();
    if (answer.ok) notices.showNote("code-same");
    else notices.showFailure(answer.failure);
  };
  return (
    <>
      <ScanButton
        size="small"
        label={t("security.scan")}
        wants={isSafetyCode}
        onRead={(read) => void compare(read)}
      />
      {isOther && (
        <p role="alert" className={styles.warning}>
          {t("security.scanDiffers")}
        </p>
      )}
    </>
  );
}

function Verdict({ reader, onChange }: SafetyNumberProps) {
  const t = useText();
  const { calls, notices } = useStores();
  const [isBusy, setIsBusy] = useState(false);
  const [isAsking, setIsAsking] = useState(false);
  const { id: accountId, name, trust, fingerprintText } = reader;
  const settle = async (answering: ReturnType<typeof calls.setVerified>): Promise<void> => {
    setIsBusy(true);
    const answer = await answering;
    setIsBusy(false);
    setIsAsking(false);
    // Whatever became of it, what is shown is looked at anew: the key may be another one by now.
    onChange();
    if (!answer.ok) notices.showFailure(answer.failure);
  };
  return (
    <div className={styles.verdict}>
      {trust === "verified" ? (
        <Button
          size="small"
          busy={isBusy}
          onClick={() => void settle(calls.setVerified({ accountId, verified: false }))}
        >
          {t("security.unmark")}
        </Button>
      ) : (
        <Button
          size="small"
          icon="check"
          busy={isBusy}
          onClick={() =>
            void settle(calls.setVerified({ accountId, verified: true, fingerprintText }))
          }
        >
          {t("security.markVerified")}
        </Button>
      )}
      {trust === "changed" && (
        <Button size="small" variant="quiet" onClick={() => setIsAsking(true)}>
          {t("security.accept")}
        </Button>
      )}
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setIsAsking}
        title={t("security.acceptQuestion")}
        description={t("security.acceptHelp", { name })}
        footer={
          <>
            <Button onClick={() => setIsAsking(false)}>{t("general.cancel")}</Button>
            <Button
              variant="danger"
              busy={isBusy}
              onClick={() => void settle(calls.acceptKey({ accountId }))}
            >
              {t("security.accept")}
            </Button>
          </>
        }
      />
    </div>
  );
}

function DeviceKeys({ reader: { name, devices } }: Pick<SafetyNumberProps, "reader">) {
  const t = useText();
  return (
    <details className={styles.quiet}>
      <summary>{t("security.deviceKeys", { name })}</summary>
      <ol className={styles.deviceKeys}>
        {devices.map(({ id, fingerprintText }, i) => (
          <li key={id}>
            {t("security.deviceKey", { number: i + 1 })}
            <code translate="no">{fingerprintText}</code>
          </li>
        ))}
      </ol>
    </details>
  );
}
