/** Relations: the permission that keeps a conversation open. */
import { isUuid, type AccountId, type ConversationId, type RelationId } from "#protocol/ids.ts";
import type { Relation } from "#protocol/rest.ts";
import type { RelationRow } from "../directory/rows.ts";
import { ownAgent } from "./agent-parts.ts";
import { inSlices, lastOfFull, SLICE } from "../store/slices.ts";
import {
  answer,
  answerPage,
  isoTime,
  pageSize,
  type Api,
  type Http,
  type RelayApp,
} from "./api.ts";

export const relationOf = (row: RelationRow): Relation => ({
  relation_id: row.relation_id,
  kind: row.kind,
  user_id: row.user_id,
  ...(row.agent_id === null ? {} : { agent_id: row.agent_id }),
  ...(row.peer_user_id === null ? {} : { peer_user_id: row.peer_user_id }),
  status: row.status,
  conversation_id: row.conversation_id,
  granted_scopes: JSON.parse(row.granted_scopes) as string[],
  created_at: isoTime(row.created_at),
});

const CHANGES = { suspend: "suspended", restore: "established", revoke: "revoked" } as const;

/** The agent's creator looks at who is connected: something about it changed. */
export async function tellCreator(api: Api, { agent_id }: RelationRow): Promise<void> {
  const creator = agent_id === null ? null : (await api.directory.agent(agent_id))?.creator_id;
  if (agent_id !== null && creator != null)
    api.relay.tell(creator, { type: "agent.relations_changed", agent_id });
}

type Read<Row> = (after: string, limit: number) => Promise<readonly Row[]>;

/** All that `read` gives page by page, oldest first. */
export async function everyRelation<Row extends RelationRow>(
  read: Read<Row>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for await (const slice of inSlices(
    (after) => read(after, SLICE),
    lastOfFull((row) => row.relation_id),
  ))
    rows.push(...slice);
  return rows;
}

/** A page for who asks for one. Who names no limit, as callers did before there were pages, gets all there are. */
async function pageOf<Row extends RelationRow>(http: Http, read: Read<Row>) {
  if (http.req.query("limit") === undefined) return { rows: await everyRelation(read), next: null };
  const limit = pageSize(http);
  const rows = await read(http.req.query("cursor") ?? "", limit);
  return { rows, next: rows.length < limit ? null : (rows.at(-1)?.relation_id ?? null) };
}

/** The relation that keeps one conversation open, for those it is between. */
async function relationIn(
  { directory }: Api,
  conversationId: string,
  who: AccountId,
): Promise<RelationRow | null> {
  if (!isUuid(conversationId)) return null;
  const relation = await directory.relationOf(conversationId as ConversationId);
  const { user_id, agent_id, peer_user_id } = relation ?? {};
  return [user_id, agent_id, peer_user_id].includes(who) ? relation : null;
}

export function serveRelations(app: RelayApp, api: Api): void {
  app.get(
    "/relations",
    api.either(async (http, { accountId }) => {
      const conversationId = http.req.query("conversation_id");
      if (conversationId !== undefined) {
        const relation = await relationIn(api, conversationId, accountId);
        return answerPage(relation === null ? [] : [relationOf(relation)]);
      }
      const { rows, next } = await pageOf(http, (after, limit) =>
        api.directory.relationsOf(accountId, after, limit),
      );
      return answerPage(rows.map(relationOf), next);
    }),
  );
  app.get(
    "/agents/:id/relations",
    api.human(async (http, who) => {
      const agent = await ownAgent(api, http, who.userId);
      if (!agent.ok) return agent;
      const { rows, next } = await pageOf(http, (after, limit) =>
        api.directory.relationsOfAgent(agent.value.agent_id, after, limit),
      );
      return answerPage(
        rows.map(({ handle, display_name, ...row }) => ({
          ...relationOf(row),
          user:
            handle === null || display_name === null
              ? null
              : { user_id: row.user_id, handle, display_name },
        })),
        next,
      );
    }),
  );
  app.post(
    "/relations/:id/approve",
    api.human(async (http, who) => {
      const relationId = api.id<RelationId>(http, "id");
      if (!relationId.ok) return relationId;
      const approval = { now: api.clock.now(), relationId: relationId.value, by: who.userId };
      const approved = await api.writer.run("approveRelation", approval);
      if (!approved.ok) return approved;
      await tellCreator(api, approved.value);
      return answer(relationOf(approved.value));
    }),
  );
  for (const [verb, to] of Object.entries(CHANGES)) {
    app.post(
      `/relations/:id/${verb}`,
      api.either(async (http, who) => {
        const relationId = api.id<RelationId>(http, "id");
        if (!relationId.ok) return relationId;
        const changed = await api.writer.run("changeRelation", {
          now: api.clock.now(),
          relationId: relationId.value,
          by: who.accountId,
          to,
        });
        if (!changed.ok) return changed;
        await tellCreator(api, changed.value);
        return answer(relationOf(changed.value));
      }),
    );
  }
}
