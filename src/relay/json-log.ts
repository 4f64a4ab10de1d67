/**
 * The relay's log as lines of JSON: time, level, name of the event, and facts. What a fact may be is said by
 * {@link LogFields}: names of ours, codes, counts. SPEC §operation.
 */
import type { Clock } from "#base/clock.ts";
import type { Log, LogFields } from "#base/log.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Creates a log that hands over one line at a time, without its end, from `least` upwards. */
export function createJsonLog(write: (line: string) => void, clock: Clock, least: LogLevel): Log {
  const say = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return;
    write(JSON.stringify({ at: new Date(clock.now()).toISOString(), level, event, ...fields }));
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}

/**
 * What may be written down about a fault of ours: its class, its code, and where in our files it was thrown.
 * Its message stays out, for it may repeat what somebody sent.
 */
export function factsOf(fault: unknown): LogFields {
  if (!(fault instanceof Error)) return { name: typeof fault };
  const code = "errcode" in fault ? fault.errcode : "code" in fault ? fault.code : null;
  const place = /([\w-]+\.ts:\d+):\d+\)?$/m.exec(fault.stack ?? "")?.[1];
  return {
    name: fault.name,
    ...(typeof code === "number" || typeof code === "string" ? { code } : {}),
    ...(place === undefined ? {} : { place }),
  };
}
