import type { StreamView } from "#stores/views.ts";
import type { Say } from "#ui/text/text.tsx";
import type { TextPartProps } from "./TextPart.tsx";

/** What a stream shows of itself: open while it lives, broken with the reason in words when it ended short. */
export function streamToText(
  stream: StreamView,
  authorName: string,
  t: Say,
): Pick<TextPartProps, "text" | "isMarkdown" | "seal" | "isArriving" | "ending"> {
  const isArriving = stream.status === "live" || stream.status === "stopping";
  return {
    text: stream.text,
    isMarkdown: stream.markdown,
    seal: isArriving ? "open" : "broken",
    isArriving,
    ending: isArriving ? null : endingOf(stream, authorName, t),
  };
}

function endingOf({ reason, status }: StreamView, name: string, t: Say): string {
  switch (reason) {
    case "aborted":
      return t("stream.ended.aborted", { name });
    case "altered":
      return t("stream.ended.altered", { name });
    case "orphaned":
      return t("stream.ended.orphaned", { name });
    case "timeout":
      return t("stream.ended.timeout");
    case "limit":
      return t("stream.ended.limit");
    case "stopped":
      return t("stream.ended.stopped");
    case null:
      return status === "aborted"
        ? t("stream.ended.aborted", { name })
        : t("stream.ended.orphaned", { name });
  }
}
