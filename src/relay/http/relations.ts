/** Relations: the permission that keeps a conversation open. */
import type { RelationId } from "#protocol/ids.ts";
import type { Relation } from "#protocol/rest.ts";
import type { RelationRow } from "../directory/rows.ts";
import { ownAgent } from "./agent-parts.ts";
import { answer, answerPage, isoTime, type Api, type RelayApp } from "./api.ts";

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

export function serveRelations(app: RelayApp, api: Api): void {
  app.get(
    "/relations",
    api.either(async (_http, who) => {
      const relations = await api.directory.relationsOf(who.accountId);
      return answerPage(relations.map(relationOf));
    }),
  );
  app.get(
    "/agents/:id/relations",
    api.human(async (http, who) => {
      const agent = await ownAgent(api, http, who.userId);
      if (!agent.ok) return agent;
      const relations = await api.directory.relationsOfAgent(agent.value.agent_id);
      return answerPage(
        relations.map(({ handle, display_name, ...row }) => ({
          ...relationOf(row),
          user:
            handle === null || display_name === null
              ? null
              : { user_id: row.user_id, handle, display_name },
        })),
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
