import { useCallback, useEffect, useState } from "react";
import type { BridgeFailure, ConversationView, SecurityView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Avatar } from "#ui/kit/Avatar.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Sheet } from "#ui/kit/Dialog.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { SafetyNumber } from "./SafetyNumber.tsx";
import styles from "./SecuritySheet.module.css";

type SecuritySheetProps = {
  view: ConversationView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
};
type Reader = SecurityView["readers"][number];

const CLAIM_ICONS = {
  session: "lock",
  envelope: "lock",
  none: "lock-open",
  undecided: "shield-alert",
} as const;

/** Who can read a conversation, since when, and how to make sure of it. */
export function SecuritySheet({ view, open, onOpenChange }: SecuritySheetProps) {
  const t = useText();
  return (
    <Sheet open={open} onOpenChange={onOpenChange} title={t("security.title")}>
      <SecurityFacts view={view} />
    </Sheet>
  );
}

function SecurityFacts({ view }: { view: ConversationView }) {
  const t = useText();
  const formats = useFormats();
  const { security, failure, reload } = useSecurity(view);
  if (failure !== null)
    return (
      <div className={styles.facts}>
        <FailureNote failure={failure} />
        <Button size="small" onClick={reload}>
          {t("general.retry")}
        </Button>
      </div>
    );
  if (security === null) return <Skeleton lines={6} label={t("general.loading")} />;
  const others = security.readers.filter(({ isSelf }) => !isSelf);
  // Nobody can promise who reads under a key that changed and was not decided about.
  const claim = others.some(({ trust }) => trust === "changed") ? "undecided" : security.encryption;
  return (
    <div className={styles.facts}>
      <div className={styles.claim} data-kind={claim}>
        <Icon name={CLAIM_ICONS[claim]} size={18} />
        <div>
          <p>{t(`security.${claim}`)}</p>
          <p className={styles.quiet}>
            {t("security.since", { time: formats.moment(security.since) })}
          </p>
        </div>
      </div>
      {security.suite !== "none" && (
        <p className={styles.quiet}>
          {formats.sentences(
            t(`security.suite.${security.suite}`),
            security.reduced && security.encryption === "session"
              ? t("security.reduced")
              : security.suite === "x25519"
                ? t("security.fallback")
                : "",
          )}
        </p>
      )}
      <ul className={styles.readers}>
        {security.readers.map((reader) => (
          <ReaderRow key={reader.id} reader={reader} hasKeys={security.encryption !== "none"} />
        ))}
      </ul>
      {security.encryption !== "none" &&
        others.map((reader) => <SafetyNumber key={reader.id} reader={reader} onChange={reload} />)}
    </div>
  );
}

/** The facts now; asked again when a member or a ring in the conversation changes. */
function useSecurity(view: ConversationView) {
  const { calls } = useStores();
  const [security, setSecurity] = useState<SecurityView | null>(null);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const { id, members } = view;
  const reload = useCallback(() => {
    let isWanted = true;
    void calls.describeSecurity({ conversationId: id }).then((answer) => {
      if (!isWanted) return;
      setSecurity(answer.ok ? answer.value : null);
      setFailure(answer.ok ? null : answer.failure);
    });
    return () => {
      isWanted = false;
    };
  }, [calls, id]);
  useEffect(() => reload(), [reload, members]);
  return { security, failure, reload: () => void reload() };
}

function ReaderRow({ reader, hasKeys }: { reader: Reader; hasKeys: boolean }) {
  const t = useText();
  const { aside } = useFormats();
  const { id, name, kind, isSelf, deviceCount, isStateless, trust } = reader;
  return (
    <li className={styles.reader}>
      <Avatar
        id={id}
        name={name}
        kind={kind}
        size={32}
        trust={isSelf || !hasKeys ? undefined : trust}
      />
      <span className={styles.who}>
        <span>
          <bdi className={styles.name}>{name}</bdi>
          {isSelf && <span className={styles.quiet}>{aside(t("security.you"))}</span>}
        </span>
        <span className={styles.quiet}>
          {kind === "agent" || !hasKeys
            ? t(`kind.${kind}`)
            : t("security.devices", { count: deviceCount })}
          {!isSelf && hasKeys && ` · ${t(`trust.${trust}`)}`}
        </span>
        {isStateless && <span className={styles.stateless}>{t("security.statelessMember")}</span>}
      </span>
    </li>
  );
}
