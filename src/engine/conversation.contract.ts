/**
 * What every conversation does, whatever carries it: asked and seen only as the page asks and sees. Each carrier
 * brings a bench with an agent behind it that answers every text.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConversationView, MessageView, ThreadView } from "#bridge/views.ts";
import type { ConversationId, MessageId } from "#protocol/ids.ts";
import { must, words, type Seat } from "./engine-world.contract.ts";

export interface ConversationBench {
  readonly seat: Seat;
  readonly id: ConversationId;
  /** Texts the agent has heard, in order. */
  heard(): readonly string[];
  answerTo(text: string): string;
  /** From here on what is asked waits, the first question perhaps at the agent already; until `release`. */
  hold(): void;
  release(): Promise<unknown>;
  /** The same person at a new start of the client. */
  again(): Promise<Seat>;
}

export interface ConversationStage {
  meet(): Promise<ConversationBench>;
  end(): Promise<void>;
}

/** What a row says, of whom: rows that say nothing are none of the agent's or ours. */
const said = (message: MessageView): string =>
  message.body.kind === "turn" ? message.body.turn.text : words(message);
const isSaid = ({ body, seq }: MessageView): boolean =>
  seq !== null && (body.kind === "text" || body.kind === "turn");
const rowsOf = ({ messages }: ThreadView): readonly string[] =>
  messages.filter(isSaid).map((row) => `${row.isSelf ? "we" : "they"}: ${said(row)}`);

const ask = async ({ calls }: Seat, conversationId: ConversationId, text: string) =>
  must(await calls.sendText({ conversationId, text, mentions: [], replyToId: null }));

const isAnswer = (row: MessageView): boolean =>
  !row.isSelf && isSaid(row) && (row.body.kind !== "turn" || row.body.turn.status === "ended");

const answered = (seat: Seat, text: string): Promise<MessageView> =>
  seat.row((row) => isAnswer(row) && said(row) === text);

/** So many different answers, told since the seat listened anew or to come. */
async function answers(seat: Seat, count: number): Promise<void> {
  const ids = new Set<MessageId>();
  await seat.until((event): event is never => {
    if (event.type === "messages")
      for (const row of event.messages) if (isAnswer(row) && said(row) !== "") ids.add(row.id);
    return ids.size >= count;
  });
}

const viewOf = async (seat: Seat, id: ConversationId): Promise<ConversationView> => {
  const view = must(await seat.calls.listConversations()).find((one) => one.id === id);
  if (view === undefined) throw new Error("no such conversation");
  return view;
};

export function describeConversation(name: string, setup: () => Promise<ConversationStage>): void {
  describe(`a conversation by ${name}`, () => {
    let stage: ConversationStage;
    beforeAll(async () => {
      stage = await setup();
    }, 60_000);
    afterAll(() => stage.end());

    test("[N79] a text is a row of one's own and the answer the agent's next; the list tells both", async () => {
      const { seat, id, answerTo } = await stage.meet();
      await seat.openThread(id);

      await ask(seat, id, "hello");
      await answered(seat, answerTo("hello"));
      const thread = await seat.openThread(id);
      const seqs = thread.messages.filter(isSaid).map(({ seq }) => seq ?? 0);
      const view = await viewOf(seat, id);

      expect(rowsOf(thread)).toEqual(["we: hello", `they: ${answerTo("hello")}`]);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(answerTo("hello")).toContain(view.preview?.text.slice(0, 20));
      expect(view.unreadCount).toBe(1);
    });

    test("[N79] what the view says can be done is done, and anything else is refused by its kind", async () => {
      const { seat, id, answerTo } = await stage.meet();
      await seat.openThread(id);
      const messageId = await ask(seat, id, "hello");
      await answered(seat, answerTo("hello"));
      const { can } = await viewOf(seat, id);
      const own = (await seat.openThread(id)).messages.find((row) => row.id === messageId);

      const react = await seat.calls.react({
        conversationId: id,
        messageId,
        emoji: "👍",
        op: "add",
      });
      const recall = await seat.calls.recall({ conversationId: id, messageId });
      const typing = await seat.calls.setTyping({ conversationId: id, typing: true });

      const refused = { ok: false, failure: { kind: "engine/plain-cannot" } };
      expect(react).toEqual(can.includes("react") ? { ok: true, value: null } : refused);
      expect(recall).toEqual(can.includes("recall") ? { ok: true, value: null } : refused);
      expect(own?.canRecallUntil !== null).toBe(can.includes("recall"));
      expect(typing.ok).toBe(true);
    });

    test("[N79] texts that cannot leave wait in order, and one that is thrown away never leaves", async () => {
      const { seat, id, hold, release, heard } = await stage.meet();
      await seat.openThread(id);
      hold();
      const ids: MessageId[] = [];
      for (const text of ["one", "two", "three"]) ids.push(await ask(seat, id, text));

      const waiting = (await seat.openThread(id)).messages.find((row) => row.id === ids[1]);
      must(await seat.calls.discardFailed({ conversationId: id, messageId: ids[1] as MessageId }));
      seat.listenAnew();
      await release();
      await answers(seat, 2);

      expect(waiting?.delivery).toEqual({ status: "queued" });
      expect(heard()).toEqual(["one", "three"]);
    });

    test("[N79] rows, draft, pin and mute are there after a restart", async () => {
      const { seat, id, again, answerTo } = await stage.meet();
      await seat.openThread(id);
      const texts = ["one", "two", "three"];
      for (const text of texts) {
        seat.listenAnew();
        await ask(seat, id, text);
        await answered(seat, answerTo(text));
      }
      must(await seat.calls.setMuted({ conversationId: id, muted: true }));
      must(await seat.calls.setPinned({ conversationId: id, pinned: true }));
      must(await seat.calls.saveDraft({ conversationId: id, text: "half", replyToId: null }));

      const back = await again();
      const rows = rowsOf(await back.openThread(id));

      expect(rows).toEqual(texts.flatMap((text) => [`we: ${text}`, `they: ${answerTo(text)}`]));
      expect(await viewOf(back, id)).toMatchObject({ muted: true, pinned: true, draft: "half" });
    });
  });
}
