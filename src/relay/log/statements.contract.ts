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

/** Every statement that is run from now on, as often as it is. */
export function runsFromNow(): string[] {
  const texts: string[] = [];
  const { all, get, run } = StatementSync.prototype;
  const listened = <Verb extends typeof all | typeof get | typeof run>(verb: Verb): Verb =>
    function (this: StatementSync, ...params: SQLInputValue[]) {
      texts.push(this.sourceSQL);
      return Reflect.apply(verb, this, params) as unknown;
    } as Verb;
  Object.assign(StatementSync.prototype, {
    all: listened(all),
    get: listened(get),
    run: listened(run),
  });
  onTestEnd(() => void Object.assign(StatementSync.prototype, { all, get, run }));
  return texts;
}
