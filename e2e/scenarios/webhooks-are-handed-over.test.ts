import { describe, expect, test } from "vitest";
import type { AgentId, ConversationId, MessageId } from "../../src/protocol/ids.ts";
import { aLedger, anEnvelope, anId, text64 } from "../../src/relay/hand-made.contract.ts";
import { agentAccount, call, register } from "../world/cast.ts";
import { BY_HAND, check, NONE } from "../world/checker.ts";
import { rounds, timeoutMs } from "../world/profile.ts";
import { canSeveral, setupNodes, type NodesStage } from "../world/two-nodes.ts";
import { startReceiver } from "../world/webhook-receiver.ts";

const DEATHS = rounds(1, 20);
const PER_DEATH = 10;

/** A person and an agent that is reached by webhook only, and their conversation. */
async function setupTalk(stage: NodesStage) {
  const receiver = await startReceiver();
  const { url } = stage.balancer;
  const ada = await register(url);
  const made = (await call(url, "/agents", ada.token, {
    display_name: "Hook",
    connection_mode: "webhook",
    webhook_url: receiver.url,
  })) as { readonly agent_id: AgentId; readonly token: string };
  const agent = agentAccount(made.agent_id, made.token);
  const { code } = (await call(url, `/agents/${agent.id}/invites`, ada.token, {})) as {
    readonly code: string;
  };
  const conversationId = anId<ConversationId>();
  const ledger = aLedger(1, conversationId, 2).map(text64);
  await call(url, `/invites/${code}/accept`, ada.token, {
    conversation_id: conversationId,
    ledger,
    granted_scopes: [],
  });
  /** Says something; its place in the log. */
  const say = async (): Promise<number> => {
    const client_message_id = anId<MessageId>();
    const encrypted_payload = anEnvelope(conversationId, client_message_id, ada);
    const path = `/conversations/${conversationId}/messages`;
    const body = { client_message_id, encrypted_payload };
    const send = () => call(url, path, ada.token, body);
    // A line kept for the next request may lead to a node that has just died: said again, it stands once.
    const { conversation_seq } = (await send().catch(send)) as {
      readonly conversation_seq: number;
    };
    return conversation_seq;
  };
  return { receiver, say };
}

describe.skipIf(!canSeveral)("deliveries that are due when their node dies", () => {
  test(
    `[R45] [P236] over ${DEATHS} deaths another node delivers them all, in order, each under one id`,
    timeoutMs(600_000, 1_800_000),
    async () => {
      const stage = await setupNodes(2, { PARLEY_ALLOW_PRIVATE_TARGETS: "1" });
      const { receiver, say } = await setupTalk(stage);
      const acked: number[] = [];
      let slowestMs = 0;

      for (let death = 0; death < DEATHS; death++) {
        for (let i = 0; i < PER_DEATH; i++) acked.push(await say());
        await receiver.until(() => receiver.taken.some(({ seq }) => seq === acked.at(-1)));
        receiver.takes(false);
        const refusedBefore = receiver.refused.length;
        for (let i = 0; i < PER_DEATH; i++) acked.push(await say());
        await receiver.until(() => receiver.refused.length > refusedBefore);
        const busy = await delivering(stage);
        const diedAt = Date.now();
        await stage.kill(busy);
        receiver.takes(true);
        acked.push(await say());
        await receiver.until(() => receiver.taken.some(({ seq }) => seq === acked.at(-1)));
        slowestMs = Math.max(slowestMs, Date.now() - diedAt);
        await stage.startNode();
      }

      const places = await stage.places();
      await stage.end();
      await receiver.close();
      const byId = new Map(
        [...receiver.taken, ...receiver.refused].map(({ id, seq }) => [id, seq]),
      );
      const distinct = [...new Map(receiver.taken.map(({ id, seq }) => [id, seq])).values()];
      const findings = check(
        "webhooks, their node dies",
        {
          acked: { ada: acked.map(String) },
          // What is not a message of Ada's: the relation's beginning.
          read: { "the agent": distinct.filter((seq) => seq > 1).map(String) },
          places,
          ...BY_HAND,
        },
        {
          deaths: DEATHS,
          "delivered again": receiver.taken.length - distinct.length,
          "slowest hand-over in ms": slowestMs,
        },
      );
      expect(findings).toEqual(NONE);
      // One id an entry, whoever delivers it, and the first copies came in the log's order.
      expect(byId.size).toBe(new Set(byId.values()).size);
      expect(distinct).toEqual(distinct.toSorted((a, b) => a - b));
    },
  );
});

/** The node that has the chore: only one has tried to deliver anything since it began. */
async function delivering(stage: NodesStage): Promise<NodesStage["nodes"][number]> {
  const tries = await Promise.all(
    stage.nodes.map(async (node) => [node, await node.counter("webhook_attempts_total")] as const),
  );
  const busy = tries.find(([, count]) => count > 0);
  if (busy === undefined) throw new Error("nobody delivers");
  return busy[0];
}
