import type { CardView } from "#stores/views.ts";

type PayloadOf<Subtype extends CardView["subtype"]> =
  Extract<CardView, { readonly subtype: Subtype }> extends { readonly payload: infer Payload }
    ? Payload
    : never;

export type ApprovalPayload = PayloadOf<"approval">;
export type FormPayload = PayloadOf<"form">;
export type InfoPayload = PayloadOf<"info">;
export type ProgressPayload = PayloadOf<"progress">;
export type ReplyPayload = PayloadOf<"reply">;
export type MediaPayload = PayloadOf<"media">;
export type ResponsePayload = PayloadOf<"response">;
export type VotePayload = PayloadOf<"app">;
export type ToolCallPayload = PayloadOf<"tool_call">;
export type ToolResponsePayload = PayloadOf<"tool_response">;
export type FormField = FormPayload["fields"][number];
export type CardAction = NonNullable<InfoPayload["actions"]>[number];
export type Values = Readonly<Record<string, unknown>>;
export type CardBlock = NonNullable<InfoPayload["blocks"]>[number];
