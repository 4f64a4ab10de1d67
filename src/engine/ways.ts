/** Ways into the account beside its password, as the relay keeps them: one recovery code, some passkeys. SPEC §recovery. */
import { err, ok, type Result } from "#base/result.ts";
import type { WaysView } from "#bridge/views.ts";
import type { Rest } from "#peer/rest.ts";
import { Empty, Way, type WayKind, type WayProof } from "#protocol/rest.ts";
import { translated, type EngineFailure } from "./failure.ts";
import type { Session } from "./session.ts";

type Answer<Value> = Promise<Result<Value, EngineFailure>>;

/** What the relay lets in, oldest first; which of the passkeys open this device's lock is said beside. */
export async function listWays(session: Session): Answer<WaysView> {
  const { record } = session.account();
  const listed = await session.endpoint.rest.page("/keys/ways", Way);
  if (!listed.ok) return err(translated(listed.failure));
  const ways = listed.value.items;
  const here = new Set((record.passkeys ?? []).map(({ methodId }) => methodId));
  const recovery = ways.find(({ method }) => method === "recovery-code");
  return ok({
    recoveryMadeAt: recovery === undefined ? null : Date.parse(recovery.created_at),
    passkeys: ways
      .filter(({ method }) => method === "passkey")
      .map(({ method_id, created_at }) => ({
        id: method_id,
        addedAt: Date.parse(created_at),
        opensThisDevice: here.has(method_id),
      })),
    canAddPasskey: record.hasPassword && record.backupKey != null,
  });
}

/** Names a way in; a recovery code takes the place of the one before. */
export async function putWay(
  rest: Rest,
  method: WayKind,
  way: WayProof,
  wrap: string | null,
): Answer<null> {
  const put = await rest.call("PUT", "/keys/ways", Empty, { method, ...way, wrap });
  return put.ok ? ok(null) : err(translated(put.failure));
}

/** Takes a way away; one that is gone already is gone. */
export async function dropWay(rest: Rest, methodId: string): Answer<null> {
  const path = `/keys/ways?method_id=${encodeURIComponent(methodId)}`;
  const dropped = await rest.call("DELETE", path, Empty);
  const isGone = dropped.ok || dropped.failure.kind === "peer/not-found";
  return isGone ? ok(null) : err(translated(dropped.failure));
}
