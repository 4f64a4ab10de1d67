import { Component, type ReactNode } from "react";
import { Button } from "#ui/kit/Button.tsx";
import { DoorFrame } from "#ui/screens/onboarding/DoorFrame.tsx";
import { useText } from "#ui/text/text.tsx";

type FaultBoundaryProps = { children: ReactNode };

/** A bug of ours reached the page: it is said plainly, and what was written is safe in the worker. */
export class FaultBoundary extends Component<FaultBoundaryProps, { readonly isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError(): { isBroken: boolean } {
    return { isBroken: true };
  }

  override render(): ReactNode {
    return this.state.isBroken ? <Fault /> : this.props.children;
  }
}

function Fault() {
  const t = useText();
  return (
    <DoorFrame title={t("failure.ours.title")} help={t("failure.ours.advice")}>
      <div>
        <Button variant="primary" onClick={() => location.reload()}>
          {t("connection.reload")}
        </Button>
      </div>
    </DoorFrame>
  );
}
