import { useEffect, useId, useRef, useState } from "react";
import type { ArtifactView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { Checkbox } from "#ui/kit/Choices.tsx";
import { ConfirmDialog } from "#ui/kit/Dialog.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { TextArea } from "#ui/kit/Field.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { Decided } from "./ApprovalDecided.tsx";
import { cutStretches } from "./approval-lines.ts";
import styles from "./ApprovalPart.module.css";
import type { ApprovalPayload } from "./card-types.ts";
import { RiskMark } from "./RiskMark.tsx";
import { useAllSeen } from "./use-all-seen.ts";
import { useNow } from "./use-now.ts";

export type ApprovalPartProps = {
  artifact: ArtifactView;
  payload: ApprovalPayload;
  /** Who asks. */
  authorName: string;
  isBusy: boolean;
  /** `despiteUnverified`: the person ticked that keys were not compared and it shall count all the same. */
  onDecide: (optionId: string, reason: string, despiteUnverified: boolean) => void;
};

type Option = ApprovalPayload["options"][number];
type Rows = NonNullable<ArtifactView["approval"]>["rows"];

/** A decision with everything it is about in view. What is drawn here is what gets signed, and nothing else counts. */
export function ApprovalPart({
  artifact,
  payload,
  authorName,
  isBusy,
  onDecide,
}: ApprovalPartProps) {
  const t = useText();
  const titleId = useId();
  const { isAllSeen, mark } = useAllSeen();
  const rows = artifact.approval?.rows ?? null;
  const blocked = artifact.approval?.blockedBecause ?? (rows === null ? "digest-mismatch" : null);
  const isOpen =
    artifact.approval === null ? artifact.answer === null : artifact.approval.outcome === "pending";
  const isPending = isOpen && !artifact.expired;
  const [isOverridden, setIsOverridden] = useState(false);
  const isWaived = blocked === "unverified" && isOverridden;
  const isGrave = payload.risk === "high" || payload.risk === "critical";
  const [asking, setAsking] = useState<{ optionId: string; reason: string } | null>(null);
  const decisionOf = (optionId: string): Option["decision"] | undefined =>
    payload.options.find(({ id }) => id === optionId)?.decision;
  return (
    <article className={styles.card} aria-labelledby={titleId} data-risk={payload.risk}>
      <header className={styles.head}>
        <p className={styles.asks}>
          <Icon name="shield" size={18} />
          <span>
            <bdi>{t("approval.asks", { name: authorName })}</bdi>
          </span>
          <RiskMark risk={payload.risk} />
        </p>
        <h3 className={styles.action} id={titleId} dir="auto">
          <HiddenText text={artifact.title === "" ? payload.action : artifact.title} />
        </h3>
        {payload.summary !== "" && (
          <p className={styles.summary} dir="auto">
            <HiddenText text={payload.summary} />
          </p>
        )}
      </header>
      {rows !== null && <Payload rows={rows} mark={mark} />}
      {isPending && blocked === "unverified" && (
        <Unverified
          {...{ authorName, isGrave, isOverridden }}
          onOverride={artifact.canRespond ? setIsOverridden : null}
          isAwake={isAllSeen}
        />
      )}
      {isPending && blocked !== null && blocked !== "unverified" && <Blocked because={blocked} />}
      {payload.quorum !== undefined && (
        <Quorum quorum={payload.quorum} approval={artifact.approval} isPending={isPending} />
      )}
      {isPending && artifact.canRespond && artifact.answers.length > 0 && (
        <Decided artifact={artifact} options={payload.options} />
      )}
      {isPending && artifact.canRespond ? (
        <Decide
          {...{ artifact, payload, isBusy }}
          onDecide={(optionId, reason) =>
            isWaived && payload.risk === "critical" && decisionOf(optionId) === "approve"
              ? setAsking({ optionId, reason })
              : onDecide(optionId, reason, isWaived)
          }
          isAwake={isAllSeen && rows !== null}
          isBlocked={blocked !== null && !isWaived}
        />
      ) : (
        (blocked === null || !isPending) && (
          <Decided artifact={artifact} options={payload.options} />
        )
      )}
      <OverrideDialog
        authorName={authorName}
        isOpen={asking !== null}
        onClose={() => setAsking(null)}
        onConfirm={() => {
          if (asking !== null) onDecide(asking.optionId, asking.reason, true);
          setAsking(null);
        }}
      />
    </article>
  );
}

type QuorumProps = {
  quorum: NonNullable<ApprovalPayload["quorum"]>;
  approval: ArtifactView["approval"];
  isPending: boolean;
};

/** How many have to agree, and how many have. */
function Quorum({ quorum: { required, approvers }, approval, isPending }: QuorumProps) {
  const t = useText();
  const given = approval?.approvedCount ?? 0;
  return (
    <p className={styles.quorum} role="status">
      <Icon name="users" size={14} />
      <span>
        {approval?.outcome === "approved"
          ? t("approval.quorumReached", { given, asked: approvers.length })
          : isPending
            ? t("approval.quorum", { required, given, asked: approvers.length })
            : t("approval.quorumMissed", { required, given })}
      </span>
    </p>
  );
}

type Mark = ReturnType<typeof useAllSeen>["mark"];

function Payload({ rows, mark }: { rows: Rows; mark: Mark }) {
  const t = useText();
  return (
    <dl className={styles.rows} aria-label={t("approval.payload")}>
      {rows.map((row, at) => (
        <div key={at} className={styles.row}>
          <dt className={styles.label}>
            <bdi>{row.label}</bdi>
            {row.warning !== "" && (
              <span className={styles.warning}>
                <Icon name="alert" size={14} />
                {row.warning}
              </span>
            )}
          </dt>
          <dd className={styles.value} dir="auto">
            {cutStretches(row.value).map((stretch, stretchAt) => (
              <span key={stretchAt}>
                <HiddenText text={stretch} />
                <i ref={mark} className={styles.seen} aria-hidden />
              </span>
            ))}
            <i ref={mark} className={styles.seen} aria-hidden />
          </dd>
        </div>
      ))}
    </dl>
  );
}

type UnverifiedProps = {
  authorName: string;
  isGrave: boolean;
  isOverridden: boolean;
  isAwake: boolean;
  /** Null where this person decides nothing here. */
  onOverride: ((isOverridden: boolean) => void) | null;
};

/** Keys were not compared: to say no is free, to say yes takes a tick, and the words weigh what the risk does. */
function Unverified({ authorName, isGrave, isOverridden, isAwake, onOverride }: UnverifiedProps) {
  const t = useText();
  const weight = isGrave ? "high" : "low";
  return (
    <div className={styles.unverified} data-weight={weight}>
      <p className={styles.unverifiedWords} role={isGrave ? "alert" : "note"}>
        <Icon name={isGrave ? "shield-alert" : "shield"} size={18} />
        <span>{t(`approval.unverified.${weight}`, { name: authorName })}</span>
      </p>
      {onOverride !== null && (
        <Checkbox
          label={t(`approval.override.${weight}`, { name: authorName })}
          checked={isOverridden}
          onChange={onOverride}
          disabled={!isAwake}
        />
      )}
    </div>
  );
}

type OverrideDialogProps = {
  authorName: string;
  isOpen: boolean;
  onClose: () => void;
  onConfirm: () => void;
};

function OverrideDialog({ authorName, isOpen, onClose, onConfirm }: OverrideDialogProps) {
  const t = useText();
  return (
    <ConfirmDialog
      open={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={t("approval.overrideQuestion")}
      description={t("approval.overrideHelp", { name: authorName })}
      footer={
        <>
          <Button onClick={onClose}>{t("general.cancel")}</Button>
          <Button variant="danger" onClick={onConfirm}>
            {t("approval.overrideConfirm")}
          </Button>
        </>
      }
    />
  );
}

type BlockedReason = Exclude<
  NonNullable<NonNullable<ArtifactView["approval"]>["blockedBecause"]>,
  "unverified"
>;

function Blocked({ because }: { because: BlockedReason }) {
  const t = useText();
  const words = {
    "digest-mismatch": t("approval.blocked.digestMismatch"),
    "key-changed": t("approval.blocked.keyChanged"),
    fork: t("approval.blocked.fork"),
  }[because];
  return (
    <p className={styles.blocked} role="alert">
      <Icon name="shield-alert" size={18} />
      <span>{words}</span>
    </p>
  );
}

type DecideProps = Omit<ApprovalPartProps, "authorName" | "onDecide"> & {
  onDecide: (optionId: string, reason: string) => void;
  isAwake: boolean;
  isBlocked: boolean;
};

function Decide({ artifact, payload, isBusy, onDecide, isAwake, isBlocked }: DecideProps) {
  const t = useText();
  const { countdown } = useFormats();
  const [reasonFor, setReasonFor] = useState<Option | null>(null);
  const now = useNow(1_000);
  const leftMs = (artifact.expiresAt ?? Date.parse(payload.expires_at)) - now;
  const isOver = leftMs <= 0;
  // Deny comes first: to the eye, to the finger and to the Tab key.
  const options = [...payload.options].sort(
    (a, b) => Number(a.decision === "approve") - Number(b.decision === "approve"),
  );
  if (isOver) return <Decided artifact={{ ...artifact, expired: true }} options={options} />;
  const decide = (option: Option): void => {
    if (option.requires_reason === true) setReasonFor(option);
    else onDecide(option.id, "");
  };
  return (
    <footer className={styles.foot}>
      {reasonFor !== null ? (
        <ReasonFor
          option={reasonFor}
          isBusy={isBusy}
          onBack={() => setReasonFor(null)}
          onGiven={(reason) => onDecide(reasonFor.id, reason)}
        />
      ) : (
        <>
          <div className={styles.state}>
            <p role="status">{isAwake ? t("approval.exact") : t("approval.scroll")}</p>
            <p className={styles.left} role="timer" aria-live="off">
              <Icon name="clock" size={14} />
              {t("card.expiresIn", { time: countdown(leftMs) })}
            </p>
          </div>
          <div className={styles.options}>
            {options.map((option) => (
              <Button
                key={option.id}
                variant={option.decision === "deny" ? "secondary" : approveVariant(payload.risk)}
                busy={isBusy}
                disabled={!isAwake || (isBlocked && option.decision === "approve")}
                onClick={() => decide(option)}
              >
                <bdi>{option.label}</bdi>
              </Button>
            ))}
          </div>
        </>
      )}
    </footer>
  );
}

const approveVariant = (risk: ApprovalPayload["risk"]) =>
  risk === "critical" ? "danger" : ("primary" as const);

type ReasonForProps = {
  option: Option;
  isBusy: boolean;
  onBack: () => void;
  onGiven: (reason: string) => void;
};

function ReasonFor({ option, isBusy, onBack, onGiven }: ReasonForProps) {
  const t = useText();
  const [reason, setReason] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus(), []);
  return (
    <form
      className={styles.reason}
      onSubmit={(event) => {
        event.preventDefault();
        if (reason.trim() !== "") onGiven(reason.trim());
      }}
    >
      <TextArea
        ref={area}
        label={t("approval.reason")}
        help={t("approval.reasonNeeded")}
        value={reason}
        onChange={setReason}
        maxLength={10_000}
        rows={2}
      />
      <div className={styles.options}>
        <Button variant="quiet" onClick={onBack}>
          {t("general.back")}
        </Button>
        <Button
          type="submit"
          variant={option.decision === "deny" ? "secondary" : "primary"}
          disabled={reason.trim() === ""}
          busy={isBusy}
        >
          <bdi>{option.label}</bdi>
        </Button>
      </div>
    </form>
  );
}
