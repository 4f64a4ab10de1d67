/** What is known of accounts: names from the relay, trust from this person, presence from the line. */
import * as v from "valibot";
import type { Result } from "#base/result.ts";
import type { KeyChangeView, TrustView } from "#bridge/views.ts";
import { CapabilityManifest } from "#protocol/manifest.ts";
import { Agent, PublicUser } from "#protocol/rest.ts";
import type { AccountId, AgentId, UserId } from "#protocol/ids.ts";
import type { PeerFailure } from "#peer/failure.ts";
import type { Rest } from "#peer/rest.ts";
import type { Store } from "#peer/store.ts";
import type { ScopeFacts } from "./tool-consent.ts";
import { loadRecords, putRecord, TABLE } from "./records.ts";

/** Kept by account. A name is the relay's word and for display only; trust is ours. */
export type Person = {
  readonly id: AccountId;
  readonly kind: "human" | "agent";
  readonly name: string;
  readonly handle: string;
  readonly description: string;
  readonly isStateless: boolean;
  readonly suggestions: readonly string[];
  /** Agents: their creator's word for their key as the relay shows it, unproven; base64. */
  readonly cosignedCard?: string | null;
  /** Sensitivity by scope, as the relay's manifest says; counts only where the agent signed for that manifest. */
  readonly scopes?: ScopeFacts;
  readonly signedScopes?: ScopeFacts["sensitivityByScope"];
  readonly isVerified: boolean;
  /** Another identity than the pinned one was shown, and nobody decided yet. */
  readonly isChanged: boolean;
  /** What changed; kept from the last time where nothing waits to be decided. */
  readonly change?: KeyChangeView;
  readonly fetchedAt: number;
};

export type Presence = "online" | "away" | "offline" | "unknown";

export interface People {
  get(accountId: AccountId): Person | null;
  /** What this person calls them, else what they call themselves. Shown here, never sent. */
  nameOf(accountId: AccountId): string;
  /** What they call themselves. */
  ownNameOf(accountId: AccountId): string;
  trustOf(accountId: AccountId): TrustView;
  /** What changed, where trust is `changed`. */
  changeOf(accountId: AccountId): KeyChangeView | null;
  presenceOf(accountId: AccountId): Presence;
  all(): readonly Person[];
  /** Fetches who is unknown or known for long; a name that cannot be had now is asked for again later. */
  want(
    accounts: readonly { readonly id: AccountId; readonly kind: "human" | "agent" }[],
  ): Promise<void>;
  /** What an invite or a search showed. */
  note(person: Pick<Person, "id" | "kind"> & Partial<Person>): Promise<void>;
  setPresence(accountId: AccountId, presence: Presence): void;
}

type Options = {
  readonly store: Store;
  readonly rest: Rest;
  readonly self: { readonly id: AccountId; name(): string };
  readonly now: () => number;
  /** The name this person gave a contact; null for none. */
  readonly remarkOf: (accountId: AccountId) => string | null;
  readonly onChanged: (accountId: AccountId) => void;
};

/** Names are asked for again after a day. */
const FRESH_MS = 86_400_000;

/** Loads what is kept. */
export async function loadPeople(options: Options): Promise<People> {
  const { store, rest, self, now, remarkOf, onChanged } = options;
  const known = new Map<AccountId, Person>();
  for (const person of (await loadRecords<Person>(store, TABLE.people)).values())
    known.set(person.id, person);
  const presence = new Map<AccountId, Presence>();
  const asking = new Set<AccountId>();

  const ownNameOf = (accountId: AccountId): string =>
    accountId === self.id ? self.name() : (known.get(accountId)?.name ?? "");

  const note: People["note"] = async (part) => {
    const before = known.get(part.id) ?? { ...BLANK, id: part.id, kind: part.kind };
    const next: Person = { ...before, ...part };
    if (JSON.stringify(next) === JSON.stringify(before)) return;
    known.set(part.id, next);
    onChanged(part.id);
    await store.commit({ puts: [putRecord(TABLE.people, part.id, next)] });
  };

  const ask = async (id: AccountId, kind: "human" | "agent"): Promise<void> => {
    asking.add(id);
    const fetched = await (kind === "agent" ? fetchAgent(rest, id) : fetchUser(rest, id));
    asking.delete(id);
    if (!fetched.ok) return;
    const { online, ...person } = fetched.value;
    await note({ id, kind, ...person, fetchedAt: now() });
    if (online !== null && !presence.has(id)) {
      presence.set(id, online ? "online" : "offline");
      onChanged(id);
    }
  };

  return {
    get: (accountId) => known.get(accountId) ?? null,
    nameOf: (accountId) => remarkOf(accountId) ?? ownNameOf(accountId),
    ownNameOf,
    trustOf(accountId) {
      const person = known.get(accountId);
      if (person?.isChanged === true) return "changed";
      return person?.isVerified === true ? "verified" : "unverified";
    },
    changeOf(accountId) {
      const person = known.get(accountId);
      return person?.isChanged === true ? (person.change ?? "identity") : null;
    },
    presenceOf: (accountId) => presence.get(accountId) ?? "unknown",
    all: () => [...known.values()],
    note,
    async want(accounts) {
      const due = accounts.filter(
        ({ id }) =>
          id !== self.id && !asking.has(id) && (known.get(id)?.fetchedAt ?? 0) < now() - FRESH_MS,
      );
      await Promise.all(due.map(({ id, kind }) => ask(id, kind)));
    },
    setPresence(accountId, state) {
      if (presence.get(accountId) === state) return;
      presence.set(accountId, state);
      onChanged(accountId);
    },
  };
}

const BLANK: Omit<Person, "id" | "kind"> = {
  name: "",
  handle: "",
  description: "",
  isStateless: false,
  suggestions: [],
  isVerified: false,
  isChanged: false,
  fetchedAt: 0,
};

type Fetched = Pick<
  Person,
  "name" | "handle" | "description" | "suggestions" | "scopes" | "cosignedCard"
> & { readonly online: boolean | null };

async function fetchUser(rest: Rest, id: AccountId): Promise<Result<Fetched, PeerFailure>> {
  const user = await rest.call("GET", `/users/${id as UserId}`, PublicUser);
  if (!user.ok) return user;
  const { display_name: name, handle } = user.value;
  return { ok: true, value: { name, handle, description: "", suggestions: [], online: null } };
}

async function fetchAgent(rest: Rest, id: AccountId): Promise<Result<Fetched, PeerFailure>> {
  const agent = await rest.call("GET", `/agents/${id as AgentId}`, Agent);
  return agent.ok ? { ok: true, value: agentFacts(agent.value) } : agent;
}

/** What a relay's public word about an agent gives for the screen. */
export function agentFacts(agent: Agent): Fetched {
  const manifest = v.safeParse(CapabilityManifest, agent.capability_manifest);
  return {
    name: agent.display_name,
    handle: "",
    description: agent.description,
    suggestions: manifest.success ? (manifest.output.suggestions ?? []) : [],
    cosignedCard: agent.cosigned_card,
    scopes: {
      manifestHash: agent.capability_manifest_hash,
      sensitivityByScope: Object.fromEntries(
        manifest.success
          ? manifest.output.permission_scopes.map(({ id, sensitivity }) => [id, sensitivity])
          : [],
      ),
    },
    online: agent.online,
  };
}
