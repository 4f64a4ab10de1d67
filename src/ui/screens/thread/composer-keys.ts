/** What a key means in the composer; pure. */

export type ComposerKey = {
  readonly key: string;
  readonly keyCode: number;
  readonly isComposing: boolean;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
};

export type ComposerSituation = {
  readonly enterSends: boolean;
  readonly isEmpty: boolean;
  readonly isMentioning: boolean;
  readonly isReplying: boolean;
  readonly isStreaming: boolean;
};

export type ComposerIntent =
  | "none"
  | "send"
  | "mention-next"
  | "mention-previous"
  | "mention-pick"
  | "mention-close"
  | "cancel-reply"
  | "stop"
  | "to-messages";

/**
 * The meaning of a key press. While an input method composes, every key is its own: some browsers report the Enter
 * that ends a composition as finished and tell it apart only by key code 229.
 */
export function composerIntent(key: ComposerKey, situation: ComposerSituation): ComposerIntent {
  if (key.isComposing || key.keyCode === 229) return "none";
  if (situation.isMentioning) {
    const intent = mentionIntent(key);
    if (intent !== "none") return intent;
  }
  switch (key.key) {
    case "Enter":
      return enterIntent(key, situation.enterSends);
    case "Escape":
      if (situation.isReplying) return "cancel-reply";
      return situation.isStreaming ? "stop" : "none";
    case "ArrowUp":
      return situation.isEmpty && !hasModifier(key) ? "to-messages" : "none";
    default:
      return "none";
  }
}

function mentionIntent(key: ComposerKey): ComposerIntent {
  if (hasModifier(key)) return "none";
  switch (key.key) {
    case "ArrowDown":
      return "mention-next";
    case "ArrowUp":
      return "mention-previous";
    case "Enter":
    case "Tab":
      return "mention-pick";
    case "Escape":
      return "mention-close";
    default:
      return "none";
  }
}

function enterIntent(key: ComposerKey, enterSends: boolean): ComposerIntent {
  if (key.ctrlKey || key.metaKey) return "send";
  return enterSends && !key.shiftKey && !key.altKey ? "send" : "none";
}

const hasModifier = ({ shiftKey, ctrlKey, metaKey, altKey }: ComposerKey): boolean =>
  shiftKey || ctrlKey || metaKey || altKey;
