/** What a log line may carry: names, codes, counts. Never text from a person, keys or payloads. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** error: a bug of ours. warn: the world misbehaved. info: state changed. debug: off in release. */
export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
}

/** Hears everything and says nothing. */
export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {} };
