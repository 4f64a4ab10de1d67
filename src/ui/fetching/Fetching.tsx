import { Component, Suspense, type ReactNode } from "react";
import { Button } from "#ui/kit/Button.tsx";
import { Skeleton } from "#ui/kit/Spinner.tsx";
import { useText } from "#ui/text/text.tsx";
import { forgetFailed, NotFetched } from "./fetched.ts";
import styles from "./Fetching.module.css";

type FetchingProps = {
  children: ReactNode;
  /** Lines drawn meanwhile, after a moment only; 0 draws nothing. */
  lines?: number;
  /** Where it stands: in a pane of the open app, or in place of a door. */
  place?: "pane" | "door";
};

/** The place of a fetched part: quiet lines until it is here, and words with a second try where it does not come. */
export function Fetching({ children, lines = 4, place = "pane" }: FetchingProps) {
  const className = styles[place];
  return (
    <NotFetchedBoundary className={className}>
      <Suspense fallback={lines === 0 ? null : <Waiting {...{ lines, className }} />}>
        {children}
      </Suspense>
    </NotFetchedBoundary>
  );
}

function Waiting({ lines, className }: { lines: number; className: string | undefined }) {
  const t = useText();
  return (
    <div className={className}>
      <Skeleton lines={lines} label={t("general.loading")} />
    </div>
  );
}

type BoundaryState = { readonly error: unknown };

type BoundaryProps = { children: ReactNode; className: string | undefined };

class NotFetchedBoundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { error: null };

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    // Any other fault is not ours to speak about.
    if (!(error instanceof NotFetched)) throw error;
    return (
      <Missing
        className={this.props.className}
        onRetry={() => {
          forgetFailed();
          this.setState({ error: null });
        }}
      />
    );
  }
}

type MissingProps = { className: string | undefined; onRetry: () => void };

function Missing({ className, onRetry }: MissingProps) {
  const t = useText();
  return (
    <div className={className} role="alert">
      <h2 className={styles.title}>{t("failure.notFetched.title")}</h2>
      <p className={styles.advice}>{t("failure.notFetched.advice")}</p>
      <div>
        <Button onClick={onRetry}>{t("general.retry")}</Button>
      </div>
    </div>
  );
}
