/** What the servers beside the relay in B9 read and say: nothing is checked. */
import type { WebSocket } from "ws";

export type BareMessage = {
  readonly type: string;
  readonly client_message_id: string;
  readonly conversation_id: string;
  readonly encrypted_payload: string;
};

/** Acknowledges a message to its sender and hands it to every other socket. */
export function passOn(
  message: BareMessage,
  seq: number,
  sender: WebSocket,
  sockets: Iterable<WebSocket>,
): void {
  const { client_message_id, conversation_id, encrypted_payload } = message;
  const place = { conversation_id, conversation_seq: seq, created_at: new Date().toISOString() };
  sender.send(JSON.stringify({ type: "message.ack", client_message_id, ...place }));
  const pushed = JSON.stringify({
    type: "message.new",
    ...place,
    message_id: client_message_id,
    client_message_id,
    encrypted_payload,
  });
  for (const other of sockets) if (other !== sender) other.send(pushed);
}
