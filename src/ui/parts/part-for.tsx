/** From what a message holds to what draws it: the one place where a new kind of payload gets its part. */
import type { ReactElement } from "react";
import type { DeviceTools } from "#stores/device-tools.ts";
import type { FieldProblem } from "#stores/form.ts";
import type { ArtifactView, ConversationId, MessageView } from "#stores/views.ts";
import type { FailureAction } from "#ui/text/failures.ts";
import type { Say } from "#ui/text/text.tsx";
import { ApprovalPart } from "./ApprovalPart.tsx";
import type { FormField, ToolCallPayload, Values } from "./card-types.ts";
import { ContactPart } from "./ContactPart.tsx";
import { FileList } from "./FileList.tsx";
import { FormPart } from "./FormPart.tsx";
import { InfoPart } from "./InfoPart.tsx";
import { LinkPart } from "./LinkPart.tsx";
import { MediaCardPart } from "./MediaCardPart.tsx";
import { MissingPart, RecalledPart, UnreadablePart, UnsupportedPart } from "./NoteParts.tsx";
import { ProgressPart } from "./ProgressPart.tsx";
import { ReplyCardPart } from "./ReplyCardPart.tsx";
import { ResponsePart } from "./ResponsePart.tsx";
import type { SealState } from "./SealEdge.tsx";
import { streamToText } from "./stream-text.ts";
import { SystemPart } from "./SystemPart.tsx";
import { TextPart } from "./TextPart.tsx";
import type { ToolWord } from "./ToolAsk.tsx";
import { ToolCallPart, ToolResponsePart } from "./ToolCallPart.tsx";
import { TurnPart } from "./turn/TurnPart.tsx";
import { UnknownCardPart } from "./UnknownCardPart.tsx";
import { VotePart } from "./VotePart.tsx";

/** What a part may ask of the screen around it. Keep it stable between renders: parts are memoised on it. */
export type PartActions = {
  readonly checkForm: (
    fields: readonly FormField[],
    values: Values,
  ) => Readonly<Record<string, FieldProblem>>;
  /** Settles with whether the values are kept on this device now. */
  readonly onDraft: (artifactId: ArtifactView["artifactId"], values: Values) => Promise<boolean>;
  readonly onAnswer: (
    artifactId: ArtifactView["artifactId"],
    actionId: string,
    values: Values,
  ) => void;
  readonly onDecide: (
    artifactId: ArtifactView["artifactId"],
    optionId: string,
    reason: string,
    despiteUnverified: boolean,
  ) => void;
  /** How this device could meet a call. */
  readonly lookAtTool: (call: ToolCallPayload) => ReturnType<DeviceTools["look"]>;
  readonly onTool: (
    artifactId: ArtifactView["artifactId"],
    call: ToolCallPayload,
    word: ToolWord,
  ) => void;
  readonly onMention?: (accountId: string) => void;
  /** An invite link is opened, its key compared and shown before anything starts. */
  readonly onInvite?: (url: string) => void;
  readonly onConversation?: (conversationId: ConversationId) => void;
  readonly onFailureAction?: (message: MessageView, action: FailureAction) => void;
};

type PartContext = {
  readonly actions: PartActions;
  /** Whether an answer to this message's card is on its way. */
  readonly isBusy: boolean;
  readonly t: Say;
};

/** How far a message's words are proven: what its edge and the mark by its time show. */
export function sealOf({ body, authorKind }: MessageView): SealState {
  if (body.kind === "stream")
    return body.stream.status === "live" || body.stream.status === "stopping" ? "open" : "broken";
  return body.kind === "text" && authorKind === "agent" ? "proven" : "none";
}

/** The part of a message's body. */
export function partFor(message: MessageView, { actions, isBusy, t }: PartContext): ReactElement {
  const { body, authorName, mentionNameById } = message;
  switch (body.kind) {
    case "text":
      return (
        <TextPart
          text={body.text}
          isMarkdown={body.markdown}
          seal={sealOf(message)}
          authorName={authorName}
          mentionNameById={mentionNameById}
          onMention={actions.onMention}
        />
      );
    // The same component as for text, so that nothing is drawn anew when the stream is proven.
    case "stream":
      return (
        <TextPart
          {...streamToText(body.stream, authorName, t)}
          authorName={authorName}
          mentionNameById={mentionNameById}
          onMention={actions.onMention}
        />
      );
    case "turn":
      return (
        <TurnPart
          turn={body.turn}
          conversationId={message.conversationId}
          authorName={authorName}
          mentionNameById={mentionNameById}
        />
      );
    case "card":
      return cardFor(message, body.artifact, actions, isBusy);
    case "media":
      return <FileList message={message} />;
    case "link":
      return <LinkPart url={body.url} title={body.title} description={body.description} />;
    case "contact":
      return (
        <ContactPart
          contact={body.contact}
          authorName={authorName}
          onInvite={actions.onInvite}
          onConversation={actions.onConversation}
        />
      );
    case "system":
      return <SystemPart event={body.event} params={body.params} />;
    case "missing":
      return <MissingPart name={authorName} count={body.count} />;
    case "recalled":
      return <RecalledPart by={body.by} authorName={authorName} isSelf={message.isSelf} />;
    case "unreadable":
      return (
        <UnreadablePart
          failure={body.failure}
          onAction={
            actions.onFailureAction && ((action) => actions.onFailureAction?.(message, action))
          }
        />
      );
    case "unsupported":
      return <UnsupportedPart originalType={body.originalType} />;
  }
}

function cardFor(
  message: MessageView,
  artifact: ArtifactView,
  actions: PartActions,
  isBusy: boolean,
): ReactElement {
  const { authorName, mentionNameById } = message;
  const { card, artifactId } = artifact;
  const answer = (actionId: string, values: Values = {}): void =>
    actions.onAnswer(artifactId, actionId, values);
  switch (card.subtype) {
    case "info":
      return (
        <InfoPart
          {...{ artifact, mentionNameById, isBusy }}
          payload={card.payload}
          onAnswer={answer}
        />
      );
    case "reply":
      return (
        <ReplyCardPart
          {...{ artifact, mentionNameById, isBusy }}
          payload={card.payload}
          onAnswer={answer}
        />
      );
    case "form":
      return (
        <FormPart
          {...{ artifact, isBusy }}
          payload={card.payload}
          check={actions.checkForm}
          onDraft={(values) => actions.onDraft(artifactId, values)}
          onAnswer={answer}
        />
      );
    case "progress":
      return (
        <ProgressPart
          {...{ artifact, isBusy }}
          payload={card.payload}
          onCancel={() => answer("cancel")}
        />
      );
    case "approval":
      return (
        <ApprovalPart
          {...{ artifact, authorName, isBusy }}
          payload={card.payload}
          onDecide={(optionId, reason, despiteUnverified) =>
            actions.onDecide(artifactId, optionId, reason, despiteUnverified)
          }
        />
      );
    case "tool_call":
      return (
        <ToolCallPart
          {...{ artifact, authorName, isBusy }}
          payload={card.payload}
          look={actions.lookAtTool(card.payload)}
          onTool={(word) => actions.onTool(artifactId, card.payload, word)}
        />
      );
    case "tool_response":
      return <ToolResponsePart artifact={artifact} payload={card.payload} />;
    case "response":
      return <ResponsePart artifact={artifact} payload={card.payload} />;
    case "media":
      return <MediaCardPart {...{ artifact, message }} payload={card.payload} />;
    case "app":
      return <VotePart {...{ artifact, isBusy }} payload={card.payload} onAnswer={answer} />;
    case "unknown":
      return <UnknownCardPart artifact={artifact} kind={card.original_subtype} />;
  }
}
