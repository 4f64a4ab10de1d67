/** What a database is asked on this thread. What Node and the driver hand out, not a part of ours, is listened to: the relay is as it is. */
import { DatabaseSync, StatementSync, type SQLInputValue } from "node:sqlite";
import { Client } from "pg";
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

/** Every statement that a server is sent from now on. */
export function sentFromNow(): ReadonlySet<string> {
  const texts = new Set<string>();
  const { query } = Client.prototype;
  Client.prototype.query = function (this: Client, ...args: readonly unknown[]) {
    const [asked] = args as readonly [string | { readonly text: string }];
    texts.add(typeof asked === "string" ? asked : asked.text);
    return Reflect.apply(query, this, args) as unknown;
  } as typeof query;
  onTestEnd(() => {
    Client.prototype.query = query;
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
