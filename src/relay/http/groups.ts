/** Groups: each change brings its signed ledger entry; the relay keeps the routing copy. SPEC P71. */
import type * as v from "valibot";
import type { AccountId, AgentId, ConversationId, UserId } from "#protocol/ids.ts";
import {
  AddMemberBody,
  ChangeRoleBody,
  CreateGroupBody,
  GroupSettingsBody,
  LeaveGroupBody,
  LedgerChangeBody,
  type GroupKeys,
  type LedgerRow,
} from "#protocol/rest.ts";
import { refuse, refuseFor } from "../failure.ts";
import { systemEntry } from "../log/append-commands.ts";
import type { GroupChange } from "../log/conversation-commands.ts";
import { answer, type Answered, type Api, type Http, type RelayApp, type Route } from "./api.ts";
import { decodeAll } from "./body-parts.ts";
import type { Human } from "./callers.ts";
import { readConversation } from "./conversations.ts";
import { ledgerAppendOf } from "./ledgers.ts";

export function serveGroups(app: RelayApp, api: Api): void {
  app.post("/groups", createGroup(api));
  app.patch("/groups/:id", changeSettings(api));
  app.delete("/groups/:id", close(api));
  app.get("/keys/groups/:id", readKeys(api));
  app.post("/keys/groups/:id/rotate", rotateKeys(api));
  app.post("/groups/:id/members", addMember(api));
  app.patch("/groups/:id/members/:uid", changeRole(api));
  app.delete("/groups/:id/members/:uid", removeMember(api));
  app.post("/groups/:id/leave", leave(api));
}

const createGroup = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, CreateGroupBody);
    if (!body.ok) return body;
    const { conversation_id } = body.value;
    const ledger = decodeAll(body.value.ledger);
    const others = body.value.members.filter((member) => member.id !== who.userId);
    if (ledger === null) return refuse("BAD_REQUEST", { path: "ledger" });
    const known = await Promise.all(others.map((member) => exists(api, member)));
    if (known.includes(false)) return refuse("NOT_FOUND");
    const owner = { id: who.userId, type: "human", role: "owner", ownerId: null } as const;
    const added = { change: "member_added", by: who.userId };
    const created = await api.log.createConversation({
      now: api.clock.now(),
      conversationId: conversation_id,
      type: "group",
      members: [
        owner,
        ...others.map((member) => ({
          ...member,
          role: "member" as const,
          ownerId: member.type === "agent" ? who.userId : null,
        })),
      ],
      ledger,
      entries: others.map((member) =>
        systemEntry(conversation_id, "group.updated", { ...added, subject_id: member.id }),
      ),
    });
    return created.ok ? answer(await readConversation(api, conversation_id, who.userId)) : created;
  }, 201);

const addMember = (api: Api): Route =>
  changing(api, AddMemberBody, async (http, who, { id, type, ledger }) =>
    (await exists(api, { id, type }))
      ? change(api, http, who, ledger, { change: "member_added", id, type })
      : refuse("NOT_FOUND"),
  );

const removeMember = (api: Api): Route =>
  changing(api, LedgerChangeBody, (http, who, { ledger }) => {
    const id = api.id<AccountId>(http, "uid");
    return id.ok ? change(api, http, who, ledger, { change: "member_removed", id: id.value }) : id;
  });

const changeRole = (api: Api): Route =>
  changing(api, ChangeRoleBody, (http, who, { role, ledger }) => {
    const id = api.id<AccountId>(http, "uid");
    return id.ok ? change(api, http, who, ledger, { change: "role", id: id.value, role }) : id;
  });

const leave = (api: Api): Route =>
  changing(api, LeaveGroupBody, (http, who, { ledger }) =>
    change(api, http, who, ledger, { change: "member_removed", id: who.userId }),
  );

const changeSettings = (api: Api): Route =>
  changing(api, GroupSettingsBody, (http, who, body) =>
    change(api, http, who, body.ledger, {
      change: "settings",
      membersCanInvite: body.members_can_invite ?? null,
      joinApproval: body.join_approval ?? null,
    }),
  );

/** Ends the group. Its log stays for those who may read it. */
const close = (api: Api): Route =>
  changing(api, LedgerChangeBody, (http, who, { ledger }) =>
    change(api, http, who, ledger, { change: "closed" }),
  );

const readKeys = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    const conversation = id.ok ? await readConversation(api, id.value, who.accountId) : null;
    if (conversation === null || conversation.group === null) return refuse("NOT_FOUND");
    return answer({ group_key_version: conversation.group.group_key_version } satisfies GroupKeys);
  });

const rotateKeys = (api: Api): Route =>
  api.human(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    // Who may not renew them is refused below, and must not use up the renewals of who may.
    const own = (await api.log.members(id.value)).find((member) => member.id === who.userId);
    const mayRotate = own?.leftSeq === null && own.role !== "member";
    const waitMs = mayRotate
      ? api.relay.buckets.take(`rotate ${id.value}`, api.rates.groupRotation)
      : 0;
    if (waitMs > 0) return refuseFor("RATE_LIMITED", waitMs);
    const rotated = await api.writer.run("rotateGroup", {
      now: api.clock.now(),
      conversationId: id.value,
      by: who.userId,
    });
    if (!rotated.ok) return rotated;
    return answer({ group_key_version: rotated.value.groupKeyVersion } satisfies GroupKeys);
  });

/** A route whose body names the change. */
const changing = <Schema extends v.GenericSchema>(
  api: Api,
  schema: Schema,
  task: (http: Http, who: Human, body: v.InferOutput<Schema>) => Promise<Answered> | Answered,
): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, schema);
    return body.ok ? task(http, who, body.value) : body;
  });

async function change(
  api: Api,
  http: Http,
  who: Human,
  ledger: LedgerRow | undefined,
  groupChange: GroupChange,
): Promise<Answered> {
  const id = api.id<ConversationId>(http, "id");
  if (!id.ok) return id;
  const append = ledger === undefined ? null : ledgerAppendOf(ledger);
  if (append !== null && !append.ok) return append;
  const now = api.clock.now();
  const changed = await api.writer.run("changeGroup", {
    now,
    conversationId: id.value,
    append: append === null ? null : { now, ...append.value },
    by: { accountId: who.userId, deviceId: who.deviceId },
    change: groupChange,
  });
  return changed.ok ? answer(await readConversation(api, id.value, who.userId)) : changed;
}

async function exists(
  api: Api,
  member: { id: AccountId; type: "human" | "agent" },
): Promise<boolean> {
  const account =
    member.type === "human"
      ? await api.directory.user(member.id as UserId)
      : await api.directory.agent(member.id as AgentId);
  return account !== null;
}
