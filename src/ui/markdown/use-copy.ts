import { useEffect, useState } from "react";
import { showToast } from "#ui/kit/show-toast.ts";
import { useText } from "#ui/text/text.tsx";
import { hasHidden, withoutHidden } from "./hidden.ts";

const SHOWN_MS = 1_600;

/**
 * Puts text on the clipboard on a press and says so for a moment. A "command" leaves hidden characters and its last line end
 * out, because a shell would act on them.
 */
export function useCopy(): {
  readonly copy: (text: string, as?: "text" | "command") => void;
  readonly isCopied: boolean;
} {
  const t = useText();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = (text: string, as: "text" | "command" = "text"): void => {
    const isAltered = as === "command" && hasHidden(text);
    const copied = as === "command" ? withoutHidden(text).replace(/\n+$/, "") : text;
    navigator.clipboard.writeText(copied).then(
      () => {
        setCopied(true);
        if (isAltered) showToast({ kind: "note", title: t("hidden.leftOut") });
      },
      () => showToast({ kind: "failure", title: t("general.copyFailed") }),
    );
  };
  return { copy, isCopied };
}
