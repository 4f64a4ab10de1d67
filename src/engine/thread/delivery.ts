/** Where an own message is on its way. Pure. */
import type { DeliveryView } from "#bridge/views.ts";
import type { OutgoingMessage } from "#peer/endpoint.ts";
import type { ViewContext } from "./context.ts";

export function deliveryOf(message: OutgoingMessage, context: ViewContext): DeliveryView {
  const { state } = message;
  switch (state.status) {
    case "queued":
    case "sending":
      return { status: state.status };
    case "acked":
      return deliveryOfSeq(state.seq, context);
    case "failed":
      return { status: "failed", failure: state.failure.kind };
  }
}

export function deliveryOfSeq(seq: number, { selfId, marksById }: ViewContext): DeliveryView {
  const marks = Object.entries(marksById).filter(([id]) => id !== selfId);
  if (marks.some(([, { read }]) => read >= seq)) return { status: "read" };
  if (marks.some(([, { delivered }]) => delivered >= seq)) return { status: "delivered" };
  return { status: "sent" };
}
