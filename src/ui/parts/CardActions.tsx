import { Button, type ButtonVariant } from "#ui/kit/Button.tsx";
import { useAskToOpen } from "#ui/markdown/MarkdownContext.tsx";
import { safeLink } from "#ui/markdown/url-policy.ts";
import styles from "./Card.module.css";
import type { CardAction } from "./card-types.ts";

type CardActionsProps = {
  actions: readonly CardAction[];
  /** Whether an answer counts now; links open at any time. */
  isOpen: boolean;
  isBusy: boolean;
  onAnswer: (actionId: string) => void;
};

const VARIANTS: Readonly<Record<NonNullable<CardAction["style"]>, ButtonVariant>> = {
  primary: "primary",
  secondary: "secondary",
  danger: "dangerQuiet",
};

/** A card's buttons: an action with an address opens it after the link prompt, one without answers the card. */
export function CardActions({ actions, isOpen, isBusy, onAnswer }: CardActionsProps) {
  const ask = useAskToOpen();
  return (
    <div className={styles.actions}>
      {actions.map((action) => {
        const { url } = action;
        const isLink = url !== undefined;
        const isDead = isLink ? safeLink(url) === null || ask === null : !isOpen;
        return (
          <Button
            key={action.id}
            variant={VARIANTS[action.style ?? "secondary"]}
            disabled={isDead}
            busy={isBusy && !isLink}
            {...(isLink ? { icon: "external" as const } : {})}
            onClick={() => (isLink ? ask?.(url, action.label) : onAnswer(action.id))}
          >
            <bdi>{action.label}</bdi>
          </Button>
        );
      })}
    </div>
  );
}
