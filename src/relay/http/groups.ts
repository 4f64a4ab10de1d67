/** Groups: each change brings its signed ledger entry; the relay keeps the routing copy. */
import type * as v from "valibot";
import type { AccountId, AgentId, ConversationId, UserId } from "#protocol/ids.ts";
import {
  AddMemberBody,
  ChangeRoleBody,
  CreateGroupBody,
  GroupSettingsBody,
  LeaveGroupBody,
  LedgerChangeBody,
  type LedgerRow,
} from "#protocol/rest.ts";
import { refuse } from "../failure.ts";
import { systemEntry } from "../log/append-commands.ts";
import type { GroupChange } from "../log/conversation-commands.ts";
import type { NewConversation } from "../log/log-store.ts";
import { answer, type Answered, type Api, type Http, type Human } from "./api.ts";
import { decodeAll } from "./auth.ts";
import { readConversation } from "./conversations.ts";
import { ledgerAppendOf } from "./keys.ts";

export function serveGroups(app: RelayApp, api: Api): void {
  const { directory, log, writer, clock } = api;

  const exists = (member: { id: AccountId; type: "human" | "agent" }): boolean =>
    member.type === "human"
      ? directory.user(member.id as UserId) !== null
      : directory.agent(member.id as AgentId) !== null;

  const change = async (
    http: Http,
    who: Human,
    ledger: LedgerRow | undefined,
    groupChange: GroupChange,
  ): Promise<Answered> => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const append = ledger === undefined ? null : ledgerAppendOf(ledger);
    if (append !== null && !append.ok) return append;
    const now = clock.now();
    const changed = await writer.run("changeGroup", {
      now,
      conversationId: id.value,
      append: append === null ? null : { now, ...append.value },
      by: { accountId: who.userId, deviceId: who.deviceId },
      change: groupChange,
    });
    return changed.ok ? answer(readConversation(api, id.value, who.userId)) : changed;
  };

  /** A route whose body names the change. */
  const changing = <Schema extends v.GenericSchema>(
    schema: Schema,
    task: (http: Http, who: Human, body: v.InferOutput<Schema>) => Promise<Answered> | Answered,
  ) =>
    api.human(async (http, who) => {
      const body = await api.body(http, schema);
      return body.ok ? task(http, who, body.value) : body;
    });

  const subject = (http: Http) => api.id<AccountId>(http, "uid");

  app.post(
    "/groups",
    api.human(async (http, who) => {
      const body = await api.body(http, CreateGroupBody);
      if (!body.ok) return body;
      const { conversation_id } = body.value;
      const ledger = decodeAll(body.value.ledger);
      const others = body.value.members.filter((member) => member.id !== who.userId);
      if (ledger === null) return refuse("BAD_REQUEST", { path: "ledger" });
      if (!others.every(exists)) return refuse("NOT_FOUND");
      const conversation: NewConversation = {
        now: clock.now(),
        conversationId: conversation_id,
        type: "group",
        members: [
          { id: who.userId, type: "human", role: "owner", ownerId: null },
          ...others.map((member) => ({
            ...member,
            role: "member" as const,
            ownerId: member.type === "agent" ? who.userId : null,
          })),
        ],
        ledger,
        entries: others.map((member) =>
          systemEntry(conversation_id, "group.updated", {
            change: "member_added",
            subject_id: member.id,
            by: who.userId,
          }),
        ),
      };
      const created = await log.createConversation(conversation);
      return created.ok ? answer(readConversation(api, conversation_id, who.userId)) : created;
    }, 201),
  );

  app.post(
    "/groups/:id/members",
    changing(AddMemberBody, (http, who, { id, type, ledger }) =>
      exists({ id, type })
        ? change(http, who, ledger, { change: "member_added", id, type })
        : refuse("NOT_FOUND"),
    ),
  );
  app.delete(
    "/groups/:id/members/:uid",
    changing(LedgerChangeBody, (http, who, { ledger }) => {
      const id = subject(http);
      return id.ok ? change(http, who, ledger, { change: "member_removed", id: id.value }) : id;
    }),
  );
  app.patch(
    "/groups/:id/members/:uid",
    changing(ChangeRoleBody, (http, who, { role, ledger }) => {
      const id = subject(http);
      return id.ok ? change(http, who, ledger, { change: "role", id: id.value, role }) : id;
    }),
  );
  app.post(
    "/groups/:id/leave",
    changing(LeaveGroupBody, (http, who, { ledger }) =>
      change(http, who, ledger, { change: "member_removed", id: who.userId }),
    ),
  );
  app.patch(
    "/groups/:id",
    changing(GroupSettingsBody, (http, who, body) =>
      change(http, who, body.ledger, {
        change: "settings",
        membersCanInvite: body.members_can_invite ?? null,
        joinApproval: body.join_approval ?? null,
      }),
    ),
  );
}
