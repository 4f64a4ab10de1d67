/** How people want to be called: told with the relation, asked of the relay once otherwise. */
import * as v from "valibot";
import { encodeRecord, parseRecord } from "#peer/json-record.ts";
import type { Rest } from "#peer/rest.ts";
import type { Store } from "#peer/store.ts";
import { Agent, PublicUser } from "#protocol/rest.ts";

export interface Names {
  /** The display name, or empty text. */
  of(accountId: string, kind: "human" | "agent" | "system"): Promise<string>;
  learn(accountId: string, name: string): Promise<void>;
}

const TABLE = "sdk.name";
/** Names at hand without asking the store. */
const MAX_AT_HAND = 1_000;

/** Creates the directory over the agent's store and the relay. */
export function createNames(store: Store, rest: Rest): Names {
  const known = new Map<string, string>();

  const remember = (accountId: string, name: string): void => {
    known.delete(accountId);
    known.set(accountId, name);
    if (known.size > MAX_AT_HAND)
      for (const oldest of known.keys()) return void known.delete(oldest);
  };

  const learn = async (accountId: string, name: string): Promise<void> => {
    remember(accountId, name);
    await store.commit({ puts: [{ table: TABLE, key: accountId, value: encodeRecord(name) }] });
  };

  const ask = async (accountId: string, kind: "human" | "agent"): Promise<string> => {
    const found =
      kind === "human"
        ? await rest.call("GET", `/users/${accountId}`, PublicUser)
        : await rest.call("GET", `/agents/${accountId}`, Agent);
    return found.ok ? found.value.display_name : "";
  };

  return {
    learn,
    async of(accountId, kind) {
      if (kind === "system") return "";
      const held =
        known.get(accountId) ?? parseRecord(v.string(), await store.get(TABLE, accountId));
      if (held !== null && held !== undefined) return held;
      const asked = await ask(accountId, kind);
      if (asked === "") remember(accountId, "");
      else await learn(accountId, asked);
      return asked;
    },
  };
}
