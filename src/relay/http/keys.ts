/** Public keys, prekeys, backups and ledgers: stored and handed out, never believed. */
import { bytesToBase64 } from "#base/base64.ts";
import type { AgentId, UserId } from "#protocol/ids.ts";
import { Backup, PrekeysBody, type AgentKeys, type UserKeys } from "#protocol/rest.ts";
import { refuse, refuseFor } from "../failure.ts";
import { answer, isoTime, type Api, type RelayApp, type Route } from "./api.ts";

export async function agentKeys(api: Api, agentId: AgentId): Promise<AgentKeys | null> {
  const agent = await api.directory.agent(agentId);
  if (agent === null) return null;
  const [first] = await api.directory.accountLedger(agentId, -1);
  const card = first?.entry;
  return {
    agent_id: agentId,
    public_key: agent.public_key === null ? "" : bytesToBase64(agent.public_key),
    signing_public_key: agent.signing_key === null ? "" : bytesToBase64(agent.signing_key),
    card: card === undefined ? null : bytesToBase64(card),
    prekeys: await api.directory.prekeys(agentId),
  };
}

export function serveKeys(app: RelayApp, api: Api): void {
  app.get("/keys/users/:id/devices", readUserKeys(api));
  app.get("/keys/agents/:id", readAgentKeys(api));
  app.put("/keys/prekeys", putPrekeys(api));

  app.get("/keys/backup", readBackup(api));
  app.post("/keys/backup", putBackup(api));
  app.put("/keys/backup", putBackup(api));
  app.post(
    "/agents/:id/keys/reset",
    api.open(() => refuse("NOT_ENABLED")),
  );
  app.all(
    "/keys/rotation/*",
    api.open(() => refuse("NOT_ENABLED")),
  );
}

const readUserKeys = (api: Api): Route =>
  api.either(async (http, who) => {
    const userId = api.id<UserId>(http, "id");
    if (!userId.ok) return userId;
    const waitMs = api.relay.buckets.take(`userKeys ${who.accountId}`, api.rates.userKeys);
    if (waitMs > 0) return refuseFor("RATE_LIMITED", waitMs);
    const user = await api.directory.user(userId.value);
    if (user === null) return refuse("NOT_FOUND");
    const devices = await api.directory.devicesOf(userId.value);
    const keys: UserKeys = {
      user_id: user.user_id,
      identity_key: bytesToBase64(user.identity_key),
      devices: await Promise.all(
        devices.map(async (device) => ({
          device_id: device.device_id,
          signing_public_key: bytesToBase64(device.signing_key),
          certificate: bytesToBase64(device.certificate),
          prekeys: await api.directory.prekeys(device.device_id),
          revoked_at: device.revoked_at === null ? null : isoTime(device.revoked_at),
        })),
      ),
    };
    return answer(keys);
  });

const readAgentKeys = (api: Api): Route =>
  api.either(async (http) => {
    const agentId = api.id<AgentId>(http, "id");
    const keys = agentId.ok ? await agentKeys(api, agentId.value) : null;
    return keys === null ? refuse("NOT_FOUND") : answer(keys);
  });

const putPrekeys = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, PrekeysBody);
    if (!body.ok) return body;
    const put = await api.writer.run("putPrekeys", {
      ownerId: who.deviceId,
      prekeys: body.value.prekeys,
    });
    if (!put.ok) return put;
    await api.relay.tellKeysChanged({ type: "human", id: who.userId }, "prekey");
    return answer({});
  });

const readBackup = (api: Api): Route =>
  api.enrolling(async (_http, who) => {
    const backup = await api.directory.backup(who.userId);
    return backup === null ? refuse("NOT_FOUND") : answer(backup);
  });

const putBackup = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, Backup);
    if (!body.ok) return body;
    const put = await api.writer.run("putBackup", { userId: who.userId, backup: body.value });
    return put.ok ? answer({}) : put;
  });
