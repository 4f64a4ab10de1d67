/** Many agents in groups with one person, for stories about load. */
import type WebSocket from "ws";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { aLedger, anId, text64, type Account } from "../../src/relay/hand-made.contract.ts";
import { createOperator } from "../../src/relay/operator.ts";
import { agentAccount, call, online, type Cast } from "./cast.ts";

/** Below the number of sockets that one address may have open without having signed in. */
const AT_ONCE = 40;

/** So many agents of the relay's operator. */
export async function makeCrowd({ dataFolder }: Cast, size: number): Promise<readonly Account[]> {
  const operator = await createOperator(dataFolder, systemClock, systemRandom);
  const crowd: Account[] = [];
  for (let i = 0; i < size; i++) {
    const made = await operator.createAgent(`Agent ${i}`, "");
    if (!made.ok) throw new Error(made.failure.code);
    crowd.push(agentAccount(made.value.agent_id, made.value.token));
  }
  await operator.close();
  return crowd;
}

/** A group of the person and these agents. */
export async function makeGroup(cast: Cast, members: readonly Account[]): Promise<ConversationId> {
  const conversationId = anId<ConversationId>();
  await call(cast.relay.url, "/groups", cast.person.token, {
    conversation_id: conversationId,
    members: members.map(({ id, type }) => ({ id, type })),
    ledger: aLedger(1, conversationId, members.length + 1).map(text64),
  });
  return conversationId;
}

/** All of them signed in, some at a time. */
export async function allOnline(
  url: string,
  accounts: readonly Account[],
  hear: (socket: WebSocket, index: number) => void = () => undefined,
): Promise<readonly WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let at = 0; at < accounts.length; at += AT_ONCE) {
    const some = accounts.slice(at, at + AT_ONCE);
    sockets.push(
      ...(await Promise.all(
        some.map((account, i) => online(url, account, (socket) => hear(socket, at + i))),
      )),
    );
  }
  return sockets;
}
