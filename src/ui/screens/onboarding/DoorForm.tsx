import type { ReactNode } from "react";
import type { BridgeFailure } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import styles from "./DoorFrame.module.css";

type DoorFormProps = {
  submitLabel: string;
  /** Everything that is needed was given. */
  isReady: boolean;
  isBusy: boolean;
  failure: BridgeFailure | null;
  onSubmit: () => void;
  /** Said while it takes long; empty otherwise. */
  status?: string;
  /** Further ways on, beside the button that submits. */
  actions?: ReactNode;
  children: ReactNode;
};

/** The one form of a door: its fields, what went wrong, and the way on, which is taken once at a time. */
export function DoorForm({
  submitLabel,
  isReady,
  isBusy,
  failure,
  onSubmit,
  status,
  actions,
  children,
}: DoorFormProps) {
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady && !isBusy) onSubmit();
      }}
    >
      {children}
      <FailureNote failure={failure} />
      <div className={styles.actions}>
        <Button type="submit" variant="primary" busy={isBusy} disabled={!isReady}>
          {submitLabel}
        </Button>
        {actions}
      </div>
      {status !== undefined && (
        <p role="status" className={styles.help}>
          {status}
        </p>
      )}
    </form>
  );
}
