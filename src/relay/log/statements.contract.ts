/** What SQLite is asked on this thread. What Node hands out, not a part of ours, is listened to: the relay is as it is. */
import { DatabaseSync, StatementSync, type SQLInputValue } from "node:sqlite";
import { onTestEnd } from "../relay-world.contract.ts";

/** The tests' relays stand on a server, which this file hears nothing of. */
export const isOnAServer = process.env["RELAY_TEST_STORE"] === "postgres";

/** Every statement that is prepared from now on. */
export function statementsFromNow(): ReadonlySet<string> {
  const texts = new Set<string>();
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, text) {
    texts.add(text);
    return prepare.call(this, text);
  };
  onTestEnd(() => {
    DatabaseSync.prototype.prepare = prepare;
  });
  return texts;
}

/** Every read that is made from now on, as often as it is made. */
export function readsFromNow(): string[] {
  const reads: string[] = [];
  const { all, get } = StatementSync.prototype;
  const listened = <Verb extends typeof all | typeof get>(verb: Verb): Verb =>
    function (this: StatementSync, ...params: SQLInputValue[]) {
      reads.push(this.sourceSQL);
      return Reflect.apply(verb, this, params) as unknown;
    } as Verb;
  Object.assign(StatementSync.prototype, { all: listened(all), get: listened(get) });
  onTestEnd(() => void Object.assign(StatementSync.prototype, { all, get }));
  return reads;
}
