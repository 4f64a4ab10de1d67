/** People who write as fast as the relay answers: registered for real, envelopes of 1 KiB whose content nobody opens. */
import type WebSocket from "ws";
import { call, online, register } from "../../e2e/world/cast.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import {
  aLedger,
  aMessage,
  anId,
  text64,
  type Account,
} from "../../src/relay/hand-made.contract.ts";

const PADDED_BYTES = 1_024;

export type Writer = Account & { readonly conversationId: ConversationId };

/** Registers a person and lets them accept the invite of an agent. */
export async function makeWriter(url: string, inviteCode: string): Promise<Writer> {
  const account = await register(url, `writer_${anId().replaceAll("-", "").slice(-12)}`);
  const conversationId = anId<ConversationId>();
  await call(url, `/invites/${inviteCode}/accept`, account.token, {
    conversation_id: conversationId,
    ledger: aLedger(1, conversationId, 2).map(text64),
    granted_scopes: [],
  });
  return { ...account, conversationId };
}

/** Keeps `inFlight` messages under way until the time is over; how many were acknowledged. */
export async function write(
  url: string,
  writer: Writer,
  inFlight: number,
  durationMs: number,
): Promise<number> {
  const socket = await online(url, writer);
  let [acked, isOver] = [0, false];
  const done = new Promise<void>((resolve, reject) => {
    let open = 0;
    const send = (): void => {
      open += 1;
      socket.send(JSON.stringify(aMessage(writer.conversationId, writer, 7, PADDED_BYTES)));
    };
    socket.on("message", (bytes: WebSocket.RawData) => {
      const frame = JSON.parse((bytes as Buffer).toString()) as { type: string; code?: string };
      if (frame.type === "error") reject(new Error(frame.code));
      if (frame.type !== "message.ack") return;
      open -= 1;
      if (!isOver) {
        acked += 1;
        send();
      } else if (open === 0) resolve();
    });
    for (let i = 0; i < inFlight; i++) send();
  });
  setTimeout(() => {
    isOver = true;
  }, durationMs);
  await done;
  socket.close(1000);
  return acked;
}
