/** Public keys, prekeys, backups and ledgers: stored and handed out, never believed. */
import { base64ToBytes, bytesToBase64 } from "#base/base64.ts";
import { hexToBytes, type Bytes } from "#base/bytes.ts";
import { base64UrlToBytes } from "#base/base64.ts";
import { ok } from "#base/result.ts";
import type { AccountId, AgentId, ConversationId, UserId } from "#protocol/ids.ts";
import { Backup, LedgerRow, PrekeysBody, type AgentKeys, type UserKeys } from "#protocol/rest.ts";
import { decodeBase64 } from "../envelope-check.ts";
import { refuse, refuseFor } from "../failure.ts";
import { answer, answerPage, isoTime, queryCount, type Api } from "./api.ts";

/** `-1` asks for a ledger from its first entry. */
const afterOf = (count: number | null): number => count ?? -1;

export function agentKeys(api: Api, agentId: AgentId): AgentKeys | null {
  const agent = api.directory.agent(agentId);
  if (agent === null) return null;
  const card = api.directory.accountLedger(agentId, -1)[0]?.entry;
  return {
    agent_id: agentId,
    public_key: agent.public_key === null ? "" : bytesToBase64(agent.public_key),
    signing_public_key: agent.signing_key === null ? "" : bytesToBase64(agent.signing_key),
    card: card === undefined ? null : bytesToBase64(card),
    prekeys: [...api.directory.prekeys(agentId)],
  };
}

export function serveKeys(app: RelayApp, api: Api): void {
  const { directory, writer, relay } = api;

  app.get("/keys/users/:id/devices", readUserKeys(api));
  app.get("/keys/agents/:id", readAgentKeys(api));
  app.put("/keys/prekeys", putPrekeys(api));

  app.get("/keys/backup", readBackup(api));
  for (const method of ["POST", "PUT"]) {
    app.on(
      method,
      "/keys/backup",
      api.human(async (http, who) => {
        const body = await api.body(http, Backup);
        if (!body.ok) return body;
        const put = await writer.run("putBackup", { userId: who.userId, backup: body.value });
        return put.ok ? answer({}) : put;
      }),
    );
  }

  serveAccountLedger(app, api);
  serveConversationLedger(app, api);
  app.all(
    "/keys/rotation/*",
    api.open(() => refuse("NOT_ENABLED")),
  );
}

const rowOf = (seq: number, prevHash: Bytes, entry: Bytes): LedgerRow => ({
  ledger_seq: seq,
  prev_hash: bytesToBase64(prevHash),
  entry: bytesToBase64(entry),
});

/** The row's bytes, for compare-and-set. */
export function ledgerAppendOf(row: LedgerRow) {
  const prevHash = base64ToBytes(row.prev_hash);
  const entry = decodeBase64(row.entry);
  return prevHash === null || entry === null
    ? refuse("BAD_REQUEST", { path: "entry" })
    : ok({ ledgerSeq: row.ledger_seq, prevHash, entry });
}

function serveAccountLedger(app: RelayApp, api: Api): void {
  const read = (http: Parameters<Api["id"]>[0]) => {
    const accountId = api.id<AccountId>(http, "id");
    if (!accountId.ok) return accountId;
    const rows = api.directory.accountLedger(accountId.value, afterOf(queryCount(http, "after")));
    return answerPage(rows.map((row) => rowOf(row.seq, row.prev_hash, row.entry)));
  };
  app.get("/keys/ledger/:id", async (http, next) => {
    // A browser that is about to enrol reads its own ledger before it has a device.
    const isAgent = http.req.header("authorization")?.startsWith("Bearer hsk_") === true;
    return isAgent ? api.agent(read)(http, next) : api.enrolling(read)(http, next);
  });
  app.post("/keys/ledger/:id", appendAccountLedger(api));
}

function serveConversationLedger(app: RelayApp, api: Api): void {
  const { log } = api;
  const isOrWasMember = async (
    conversationId: ConversationId,
    accountId: AccountId,
  ): Promise<boolean> =>
    (await log.members(conversationId)).some((member) => member.id === accountId);

  app.get("/conversations/:id/ledger", readConversationLedger(api));
  app.post("/conversations/:id/ledger", appendConversationLedger(api));
  app.get("/conversations/:id/sessions/:sid", readSessionOpen(api));
}

const readUserKeys = (api: Api): Route =>
  api.either((http, who) => {
    const userId = api.id<UserId>(http, "id");
    if (!userId.ok) return userId;
    const waitMs = api.relay.buckets.take(`userKeys ${who.accountId}`, api.rates.userKeys);
    if (waitMs > 0) return refuseFor("RATE_LIMITED", waitMs);
    const user = api.directory.user(userId.value);
    if (user === null) return refuse("NOT_FOUND");
    const keys: UserKeys = {
      user_id: user.user_id,
      identity_key: bytesToBase64(user.identity_key),
      devices: api.directory.devicesOf(userId.value).map((device) => ({
        device_id: device.device_id,
        signing_public_key: bytesToBase64(device.signing_key),
        certificate: bytesToBase64(device.certificate),
        prekeys: [...directory.prekeys(device.device_id)],
        revoked_at: device.revoked_at === null ? null : isoTime(device.revoked_at),
      })),
    };
    return answer(keys);
  });

const readAgentKeys = (api: Api): Route =>
  api.either((http) => {
    const agentId = api.id<AgentId>(http, "id");
    const keys = agentId.ok ? agentKeys(api, agentId.value) : null;
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
    api.relay.tellKeysChanged({ type: "human", id: who.userId }, "prekey");
    return answer({});
  });

const readBackup = (api: Api): Route =>
  api.enrolling((_http, who) => {
    const backup = api.directory.backup(who.userId);
    return backup === null ? refuse("NOT_FOUND") : answer(backup);
  });

const appendAccountLedger = (api: Api): Route =>
  api.either(async (http, who) => {
    const accountId = api.id<AccountId>(http, "id");
    if (!accountId.ok) return accountId;
    if (accountId.value !== who.accountId) return refuse("FORBIDDEN");
    const body = await api.body(http, LedgerRow);
    if (!body.ok) return body;
    const append = ledgerAppendOf(body.value);
    if (!append.ok) return append;
    const appended = await api.writer.run("appendAccountLedger", {
      accountId: accountId.value,
      ...append.value,
    });
    if (!appended.ok) return appended;
    api.relay.tellKeysChanged({ type: who.type, id: who.accountId }, "identity");
    return answer({});
  }, 201);

const readConversationLedger = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    if (!(await isOrWasMember(id.value, who.accountId))) return refuse("NOT_MEMBER");
    const rows = await api.log.ledgerAfter(id.value, afterOf(queryCount(http, "after")));
    return answerPage(rows.map((row) => rowOf(row.ledgerSeq, row.prevHash, row.entry)));
  });

const appendConversationLedger = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    const body = await api.body(http, LedgerRow);
    if (!body.ok) return body;
    const append = ledgerAppendOf(body.value);
    if (!append.ok) return append;
    const appended = await api.log.appendLedger(
      id.value,
      { now: api.clock.now(), ...append.value },
      { accountId: who.accountId, deviceId: who.endpointId },
    );
    return appended.ok ? answer({}) : appended;
  }, 201);

const readSessionOpen = (api: Api): Route =>
  api.either(async (http, who) => {
    const id = api.id<ConversationId>(http, "id");
    if (!id.ok) return id;
    if (!(await isOrWasMember(id.value, who.accountId))) return refuse("NOT_MEMBER");
    const text = http.req.param("sid") ?? "";
    const sid = text.length === 32 ? hexToBytes(text) : base64UrlToBytes(text);
    const open = sid === null ? null : await api.log.sessionOpen(id.value, sid);
    return open === null ? refuse("NOT_FOUND") : answer({ session_open: bytesToBase64(open) });
  });
