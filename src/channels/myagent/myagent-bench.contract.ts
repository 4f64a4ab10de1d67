/** A MyAgent channel whose server is written by hand, frame by frame. */
import { createFakeClock } from "#base/fake-clock.ts";
import { silentLog } from "#base/log.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import type { ChannelEvent, TurnId } from "#peer/channel.ts";
import { createScriptedLines } from "../scripted-line.contract.ts";
import { createMyAgentChannel } from "./create-myagent-channel.ts";
import type { Ticket } from "./session.ts";

export function aMyAgent(ticket: Ticket | null = null) {
  const clock = createFakeClock(1_000_000);
  const lines = createScriptedLines();
  const tickets: (Ticket | null)[] = [];
  const channel = createMyAgentChannel({
    clock,
    random: createSeededRandom(1),
    log: silentLog,
    openSocket: lines.open,
    url: "ws://localhost:8080",
    setup: null,
    ticket,
    onTicket: (one) => tickets.push(one),
    likelyCauses: ["server-down"],
  });
  const events: ChannelEvent[] = [];
  channel.on((event) => events.push(event));
  let seq = 0;
  let sessions = 0;
  const connection = (): string => `c${lines.lines.length}`;
  const says = (event: string, rest: Record<string, unknown> = {}): void => {
    seq += 1;
    const { seq: given = seq, ...members } = rest;
    lines.last().says({
      event,
      timestamp: `2026-11-21T10:00:${String(seq).padStart(2, "0")}.000000`,
      session_id: `s${sessions}`,
      seq: given,
      event_id: `${connection()}-${String(given)}`,
      metadata: {},
      ...members,
    });
  };
  return {
    clock,
    lines,
    channel,
    events,
    tickets,
    says,
    /** Frames of one event that our side sent on the newest line. */
    asked: (event: string): readonly any[] =>
      lines.last().sent.filter((frame) => frame.event === event),
    /** A frame of another line, repeated. */
    replays: (event: string, original: string, rest: Record<string, unknown> = {}): void =>
      says(event, {
        ...rest,
        metadata: { ...(rest["metadata"] as object), orig_event_id: original },
      }),
    opens(): void {
      seq = 0;
      lines.last().opens();
      says("system.connected", { session_id: undefined });
    },
    creates(): void {
      sessions += 1;
      says("agent.session_created", { metadata: { agent_name: "demo" } });
    },
    exports(name = "state"): void {
      says("agent.state_exported", { metadata: { signed_state: { state: name } } });
    },
    restores(): void {
      sessions += 1;
      says("agent.state_restored", { metadata: { agent_name: "demo" } });
    },
    replayEnds: (): void => says("system.notice", { metadata: { action: "replay" } }),
    async ready(): Promise<void> {
      channel.start();
      this.opens();
      this.creates();
      this.exports();
      await clock.advance(0);
    },
    ask: (turnId: string, text: string) =>
      channel.run({ type: "send-text", turnId: turnId as TurnId, text }),
    told: <Type extends ChannelEvent["type"]>(type: Type) =>
      events.filter((event): event is Extract<ChannelEvent, { type: Type }> => event.type === type),
    ends: (): readonly string[] =>
      events.flatMap((event) =>
        event.type === "turn-ended" ? [`${event.turnId} ${event.outcome}`] : [],
      ),
  };
}
