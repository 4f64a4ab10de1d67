/** What views of a thread's rows need to know beside the thread itself. */
import type { TurnView } from "#bridge/channel-views.ts";
import type { ArtifactView, ContactView } from "#bridge/views.ts";
import type { ApprovalCard, ToolCallCard } from "#protocol/artifact.ts";
import type { AccountId, ArtifactId, MessageId } from "#protocol/ids.ts";
import type { ContactPayload } from "#protocol/payload.ts";

export type ViewContext = {
  readonly selfId: AccountId;
  readonly now: number;
  nameOf(accountId: AccountId): string;
  /** For words that may be copied: a name given here stays here. */
  ownNameOf(accountId: AccountId): string;
  /** By the ledger: who is a member, and what they are. */
  readonly memberById: ReadonlyMap<
    AccountId,
    { readonly kind: "human" | "agent"; readonly role: "owner" | "admin" | "member" }
  >;
  /** How far others have it, by account. */
  readonly marksById: Readonly<
    Record<AccountId, { readonly delivered: number; readonly read: number }>
  >;
  /** Whether a file's bytes lie on this device. */
  isFileHere(attachmentId: string): boolean;
  /** Whether something can be sent here at all. */
  readonly canSend: boolean;
  /** Whether own messages can be taken back. */
  readonly canRecall: boolean;
  /** What an agent server did for an answer, beside its text; null for everything else. */
  turnOf(messageId: MessageId): TurnView | null;
  draftOf(artifactId: ArtifactId): Readonly<Record<string, unknown>> | null;
  approvalOf(
    card: ApprovalCard,
    authorId: AccountId,
  ): Pick<NonNullable<ArtifactView["approval"]>, "rows" | "blockedBecause">;
  /** Whether this device is asked to run a tool; null where it is not. */
  toolOf(
    card: ToolCallCard,
    call: { readonly authorId: AccountId; readonly at: number },
  ): ArtifactView["tool"];
  /** What is known here of somebody a message names, and how to come together. */
  contactOf(contact: ContactPayload["contact"]): ContactView;
};
