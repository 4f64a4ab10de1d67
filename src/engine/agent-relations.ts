/** Who is connected with an agent of this person, and what its creator may do about it. SPEC §agents. */
import { ok, type Result } from "#base/result.ts";
import type { AgentRelationChange, AgentRelationView } from "#bridge/own-agent-views.ts";
import { AgentRelation, Relation } from "#protocol/rest.ts";
import type { AgentId, RelationId } from "#protocol/ids.ts";
import type { EngineFailure } from "./failure.ts";
import { listAll } from "./list-all.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** Those who wait first, then whoever came last; who is gone for good is left out. */
export async function listAgentRelations(
  { endpoint, deps, remarks }: Session,
  { agentId }: { readonly agentId: AgentId },
): Answer<readonly AgentRelationView[]> {
  const asking = { rest: endpoint.rest, clock: deps.clock };
  const found = await listAll(asking, `/agents/${agentId}/relations`, AgentRelation);
  if (!found.ok) return found;
  return ok(
    found.value
      .flatMap(({ relation_id, user_id, user, status, created_at }): readonly AgentRelationView[] =>
        status === "revoked"
          ? []
          : [
              {
                relationId: relation_id,
                userId: user_id,
                name: remarks.of(user_id) ?? user?.display_name ?? "",
                handle: user?.handle ?? "",
                status,
                since: Date.parse(created_at),
              },
            ],
      )
      .toSorted(
        (a, b) =>
          Number(b.status === "pending") - Number(a.status === "pending") || b.since - a.since,
      ),
  );
}

/** `revoke` is for good, and declines who waits. */
export async function changeAgentRelation(
  { endpoint }: Session,
  { relationId, change }: { readonly relationId: RelationId; readonly change: AgentRelationChange },
): Answer<null> {
  const path = `/relations/${relationId}/${change}`;
  const changed = await endpoint.rest.call("POST", path, Relation, {});
  return changed.ok ? ok(null) : changed;
}
