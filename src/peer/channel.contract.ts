/** What every channel to an agent does, whatever carries it. Each implementation brings a bench to run this on. */
import { describe, expect, test } from "vitest";
import type { Channel, ChannelCommand, ChannelEvent, TurnId } from "./channel.ts";

export interface ChannelBench {
  readonly channel: Channel;
  /** Lets the server be there and lets what is due happen. */
  goOnline(): Promise<void>;
  settle(): Promise<void>;
  /** Texts of the questions the server has heard. */
  heard(): readonly string[];
  /** The server answers the open question. */
  answer(text: string): Promise<void>;
  /** A piece of an answer that goes on. */
  piece(text: string): Promise<void>;
  /** The server hears what a stop sends it, if anything, and answers as it does. */
  hearStop(): Promise<void>;
  breakLine(): Promise<void>;
}

export function describeChannel(name: string, make: () => ChannelBench): void {
  const aChannel = async () => {
    const bench = make();
    const events: ChannelEvent[] = [];
    bench.channel.on((event) => events.push(event));
    bench.channel.start();
    await bench.goOnline();
    const ask = (turnId: string, text: string) =>
      bench.channel.run({ type: "send-text", turnId: turnId as TurnId, text });
    /** Facts about turns, as `type id outcome`. */
    const turns = (): readonly string[] =>
      events.flatMap((event) => {
        if (event.type === "turn-ended") return [`ended ${event.turnId} ${event.outcome}`];
        if (event.type === "turn-started") return [`started ${event.turnId}`];
        if (event.type === "turn-queued") return [`queued ${event.turnId}`];
        return event.type === "turn-withdrawn" ? [`withdrawn ${event.turnId}`] : [];
      });
    const answers = (): readonly string[] =>
      events.flatMap((event) =>
        event.type === "answer" ? [`${event.turnId}: ${event.text}`] : [],
      );
    return { ...bench, events, ask, turns, answers };
  };

  describe(`${name} as a channel`, () => {
    test("[A1] tells a turn's start, its whole answer and one end, in this order", async () => {
      const { ask, answer, turns, answers, events } = await aChannel();

      ask("a", "hello");
      await answer("good day");

      expect(turns()).toEqual(["started a", "ended a done"]);
      expect(answers()).toEqual(["a: good day"]);
      const order = events.map(({ type }) => type);
      expect(order.indexOf("answer")).toBeLessThan(order.indexOf("turn-ended"));
    });

    test("[A2] runs one turn at a time, in the order they were asked", async () => {
      const { ask, answer, settle, turns, heard } = await aChannel();

      ask("a", "first");
      ask("b", "second");
      await settle();
      expect(heard()).toEqual(["first"]);
      await answer("one");
      await settle();
      await answer("two");

      expect(heard()).toEqual(["first", "second"]);
      expect(turns()).toEqual([
        "started a",
        "queued b",
        "ended a done",
        "started b",
        "ended b done",
      ]);
    });

    test("[A3] takes a waiting turn back, and takes an id once", async () => {
      const { channel, ask, answer, turns, heard } = await aChannel();

      ask("a", "first");
      ask("b", "second");
      const withdrawn = channel.run({ type: "withdraw", turnId: "b" as TurnId });
      const again = channel.run({ type: "withdraw", turnId: "b" as TurnId });
      await answer("one");

      expect(withdrawn).toEqual({ ok: true, value: null });
      expect(again).toEqual({ ok: false, failure: { kind: "peer/unknown-turn" } });
      expect(ask("a", "once more")).toEqual({ ok: false, failure: { kind: "peer/unknown-turn" } });
      expect(heard()).toEqual(["first"]);
      expect(turns()).toEqual(["started a", "queued b", "withdrawn b", "ended a done"]);
    });

    test("[A4] ends a stopped turn as stopped, and nothing of it lands in the next", async () => {
      const { channel, ask, piece, hearStop, answer, settle, turns, answers } = await aChannel();

      ask("a", "first");
      await piece("half of ");
      ask("b", "second");
      channel.run({ type: "stop" });
      await hearStop();
      await settle();
      await answer("whole");

      expect(turns().filter((turn) => turn.startsWith("ended"))).toEqual([
        "ended a stopped",
        "ended b done",
      ]);
      expect(answers()).toEqual(["b: whole"]);
    });

    test("[A5] refuses what says nothing and what nothing is there for, and tells nothing then", async () => {
      const { channel, ask, events } = await aChannel();
      const before = events.length;

      expect(ask("a", "  \n")).toEqual({ ok: false, failure: { kind: "peer/empty-text" } });
      expect(channel.run({ type: "stop" })).toEqual({
        ok: false,
        failure: { kind: "peer/no-open-turn" },
      });

      expect(events).toHaveLength(before);
    });

    test("[A6] refuses every command that its capabilities do not list", async () => {
      const { channel } = await aChannel();
      const commands: readonly ChannelCommand[] = [
        { type: "answer-prompt", promptId: "p", isConfirmed: true, tasks: null },
        {
          type: "solve-tasks",
          turnId: "t" as TurnId,
          tasks: [],
          question: null,
          planSummary: null,
        },
        { type: "cancel-task", taskId: "1" },
        { type: "restart-task", taskId: "1" },
        { type: "cancel-plan" },
        { type: "replan", turnId: "t" as TurnId, question: null },
      ];
      const cannot = commands.filter(({ type }) => !channel.capabilities().has(type as never));

      expect(cannot.map((command) => channel.run(command))).toEqual(
        cannot.map(({ type }) => ({
          ok: false,
          failure: { kind: "peer/not-supported", command: type },
        })),
      );
    });

    test("[A7] a line that goes in mid-turn ends it as lost and says so; the next turn runs on the next line", async () => {
      const { ask, piece, breakLine, goOnline, answer, events, turns } = await aChannel();

      ask("a", "first");
      await piece("half");
      ask("b", "second");
      await breakLine();
      await goOnline();
      await answer("two");

      expect(events).toContainEqual(
        expect.objectContaining({
          type: "fault",
          turnId: "a",
          failure: expect.objectContaining({ kind: "peer/line-lost" }),
        }),
      );
      expect(turns().filter((turn) => turn.startsWith("ended"))).toEqual([
        "ended a lost",
        "ended b done",
      ]);
    });

    test("[A8] closing ends what runs as lost and what waits as withdrawn; then nothing more is told or taken", async () => {
      const { channel, ask, piece, turns, events } = await aChannel();
      ask("a", "first");
      await piece("half");
      ask("b", "second");

      channel.close();
      const after = events.length;
      channel.close();

      expect(turns().slice(-2)).toEqual(["withdrawn b", "ended a lost"]);
      expect(channel.status()).toEqual({ status: "closed" });
      expect(events).toHaveLength(after);
      expect(ask("c", "third")).toEqual({ ok: false, failure: { kind: "peer/closed" } });
    });
  });
}
