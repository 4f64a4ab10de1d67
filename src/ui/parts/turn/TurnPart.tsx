import type { TurnView } from "#stores/views.ts";
import { TextPart } from "../TextPart.tsx";

/** What a plain agent server said for one question. */
export function TurnPart({
  turn,
  authorName,
  mentionNameById,
}: {
  turn: TurnView;
  authorName: string;
  mentionNameById: Readonly<Record<string, string>>;
}) {
  return (
    <TextPart
      text={turn.plan?.result?.text ?? turn.text}
      isMarkdown
      seal="none"
      authorName={authorName}
      mentionNameById={mentionNameById}
    />
  );
}
