import { expect, test } from "vitest";
import type { ConversationId } from "../../src/protocol/ids.ts";
import { must, startWorld, textOf, type Member } from "../../src/peer/endpoint-world.contract.ts";
import { launchRelayProcess } from "../world/relay-process.ts";

const ROUNDS = 20;

/** Texts of a member's told entries, in order. */
const heardBy = (member: Member): readonly string[] =>
  member.events.flatMap((event) => (event.type === "entry" ? (textOf(event.entry) ?? []) : []));

test(
  `[R2] over ${ROUNDS} kills in mid-send and mid-stream nothing acknowledged is lost and nothing appears twice`,
  { timeout: 300_000 },
  async () => {
    const world = await startWorld({}, { launch: launchRelayProcess });
    const ada = await world.person();
    const agent = await world.agent();
    const conversationId: ConversationId = await world.meet(ada, agent);
    const acked: string[] = [];
    ada.endpoint.on((event) => {
      if (
        event.type === "outgoing" &&
        event.message.state.status === "acked" &&
        event.message.payload.type === "text"
      )
        acked.push(event.message.payload.text);
    });

    for (let round = 0; round < ROUNDS; round++) {
      const texts = Array.from({ length: 5 }, (_, i) => `round ${round} text ${i}`);
      const queued = [];
      for (const text of texts)
        queued.push(must(await ada.endpoint.send(conversationId, { type: "text", text })));
      const stream = round % 2 === 0 ? await agent.endpoint.openStream(conversationId) : null;
      if (stream?.ok === true) await stream.value.delta(`answer ${round} `);
      // Wait for a different number of acks each round, so that the cut falls elsewhere in the batch.
      await Promise.all(
        queued.slice(0, round % 5).map(({ messageId }) => ada.endpoint.settled(messageId)),
      );
      const restart = await world.stopRelay();
      await restart();
      await agent.text(`round ${round} text 4`);
      if (stream?.ok === true) await stream.value.abort();
    }

    const sent = Array.from(
      { length: ROUNDS * 5 },
      (_, i) => `round ${Math.floor(i / 5)} text ${i % 5}`,
    );
    await ada.text(sent.at(-1) ?? "");
    expect([...new Set(acked)].sort()).toEqual([...sent].sort());
    expect(heardBy(agent).filter((text) => text.startsWith("round"))).toEqual(sent);
    expect(heardBy(ada).filter((text) => text.startsWith("round"))).toEqual(sent);
    const rows = await ada.store.logAfter(conversationId, 0, 10_000);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i + 1));
    await world.end();
  },
);
