/** People as they see themselves and each other: profile, search, devices, blocks, names for contacts. */
import { base64ToBytes } from "#base/base64.ts";
import type { AccountId, DeviceId, UserId } from "#protocol/ids.ts";
import { ACCESS_TOKEN_LIFETIME_S } from "#protocol/limits.ts";
import {
  AddDeviceBody,
  BlockBody,
  DeleteAccountBody,
  OwnProfileBody,
  RemarkBody,
  RenameDeviceBody,
  type PublicUser,
} from "#protocol/rest.ts";
import { sha256 } from "../admission.ts";
import { deniedRefusal } from "../directory/password-commands.ts";
import type { UserRow } from "../directory/rows.ts";
import { refuse } from "../failure.ts";
import { answer, answerPage, isoTime, type Api, type RelayApp, type Route } from "./api.ts";
import { deviceParts } from "./body-parts.ts";

export const publicUser = ({ user_id, handle, display_name }: UserRow): PublicUser => ({
  user_id,
  handle,
  display_name,
});

export function serveUsers(app: RelayApp, api: Api): void {
  app.get("/users/me", readOwnProfile(api));
  app.patch("/users/me", changeOwnProfile(api));
  app.delete("/users/me", deleteAccount(api));

  app.get("/users/me/devices", listOwnDevices(api));
  app.post("/users/me/devices", enrolDevice(api));
  app.post("/users/me/admissions", admitDevice(api));
  app.delete("/users/me/devices/:id", removeDevice(api));
  app.patch("/users/me/devices/:id", renameDevice(api));

  app.get("/users/search", searchByHandle(api));

  app.get("/users/blocks", listBlocks(api));
  app.post("/users/blocks", block(api));
  app.delete("/users/blocks/:id", unblock(api));

  app.get("/users/contacts", listRemarks(api));
  app.patch("/users/contacts/:id", putRemark(api));

  app.get("/users/:id", readUser(api));
}

const readOwnProfile = (api: Api): Route =>
  api.human(async (_http, who) => {
    const user = await api.directory.user(who.userId);
    if (user === null) return refuse("NOT_FOUND");
    return answer({
      ...publicUser(user),
      read_receipts: user.read_receipts === 1,
      presence: user.presence === 1,
      has_password: user.auth_hash !== null,
    });
  });

const changeOwnProfile = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, OwnProfileBody);
    if (!body.ok) return body;
    const changed = await api.writer.run("updateProfile", {
      userId: who.userId,
      displayName: body.value.display_name ?? null,
      readReceipts: body.value.read_receipts ?? null,
      presence: body.value.presence ?? null,
    });
    return changed.ok ? answer({}) : changed;
  });

const deleteAccount = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, DeleteAccountBody);
    if (!body.ok) return body;
    const { auth_key } = body.value;
    const authKey = auth_key === null ? null : base64ToBytes(auth_key);
    const agents = await api.directory.agentsOf(who.userId);
    const deleted = await api.writer.run("deleteAccount", {
      now: api.clock.now(),
      userId: who.userId,
      authHash: authKey === null ? null : sha256(authKey),
      tokenHash: sha256(api.random(32)),
    });
    if (!deleted.ok) return deleted;
    if (deleted.value.outcome !== "deleted") return deniedRefusal(deleted.value, api.clock.now());
    api.relay.endSessions(who.userId, { which: "all" }, "logout");
    for (const { agent_id } of agents) api.relay.reviewAgent(agent_id);
    const ended = await api.endings.begin();
    return ended.ok ? answer({}) : ended;
  });

const listOwnDevices = (api: Api): Route =>
  api.enrolling(async (_http, who) => {
    const devices = await api.directory.devicesOf(who.userId);
    return answerPage(
      devices
        .filter((device) => device.revoked_at === null)
        .map((device) => ({
          device_id: device.device_id,
          name_sealed: device.name_sealed,
          created_at: isoTime(device.created_at),
          last_active_at: isoTime(device.last_active_at),
          current: device.device_id === who.deviceId,
        })),
    );
  });

const enrolDevice = (api: Api): Route =>
  api.enrolling(async (http, who) => {
    const body = await api.body(http, AddDeviceBody);
    if (!body.ok) return body;
    const device = deviceParts(body.value.device);
    const prevHash = base64ToBytes(body.value.prev_hash);
    if (device === null || prevHash === null) return refuse("BAD_REQUEST", { path: "device" });
    if (who.deviceId !== null) return refuse("FORBIDDEN");
    const added = await api.writer.run("addDevice", {
      now: api.clock.now(),
      userId: who.userId,
      device,
      ledgerSeq: body.value.ledger_seq,
      prevHash,
      sessionId: who.sessionId,
    });
    if (!added.ok) return added;
    await api.relay.tellKeysChanged({ type: "human", id: who.userId }, "device_added");
    const session = { sessionId: who.sessionId, userId: who.userId, deviceId: device.deviceId };
    return answer({
      user_id: who.userId,
      device_id: device.deviceId,
      access_token: await api.admission.issueAccess(session),
      expires_in_seconds: ACCESS_TOKEN_LIFETIME_S,
    });
  });

/** A device admits another; the new one signs in by its own key. */
const admitDevice = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, AddDeviceBody);
    if (!body.ok) return body;
    const device = deviceParts(body.value.device);
    const prevHash = base64ToBytes(body.value.prev_hash);
    if (device === null || prevHash === null) return refuse("BAD_REQUEST", { path: "device" });
    const added = await api.writer.run("addDevice", {
      now: api.clock.now(),
      userId: who.userId,
      device,
      ledgerSeq: body.value.ledger_seq,
      prevHash,
      sessionId: null,
    });
    if (!added.ok) return added;
    await api.relay.tellKeysChanged({ type: "human", id: who.userId }, "device_added");
    return answer({});
  });

const removeDevice = (api: Api): Route =>
  api.enrolling(async (http, who) => {
    const deviceId = api.id<DeviceId>(http, "id");
    if (!deviceId.ok) return deviceId;
    const removed = await api.writer.run("removeDevice", {
      now: api.clock.now(),
      userId: who.userId,
      deviceId: deviceId.value,
    });
    if (!removed.ok) return removed;
    const ended = { which: "device", deviceId: deviceId.value } as const;
    api.relay.endSessions(who.userId, ended, "device_removed");
    await api.relay.tellKeysChanged({ type: "human", id: who.userId }, "device_removed");
    return answer({});
  });

const renameDevice = (api: Api): Route =>
  api.human(async (http, { userId }) => {
    const deviceId = api.id<DeviceId>(http, "id");
    if (!deviceId.ok) return deviceId;
    const body = await api.body(http, RenameDeviceBody);
    if (!body.ok) return body;
    const renamed = await api.writer.run("renameDevice", {
      userId,
      deviceId: deviceId.value,
      nameSealed: body.value.name_sealed,
    });
    return renamed.ok ? answer({}) : renamed;
  });

const searchByHandle = (api: Api): Route =>
  api.human(async (http) => {
    const handle = (http.req.query("q") ?? "").replace(/^@/, "").toLowerCase();
    const user = await api.directory.userByHandle(handle);
    return answerPage(user === null ? [] : [publicUser(user)]);
  });

const listBlocks = (api: Api): Route =>
  api.human(async (_http, who) => {
    const blocks = await api.directory.blocksOf(who.userId);
    return answerPage(
      blocks.map((row) => ({ user_id: row.blocked_id, created_at: isoTime(row.created_at) })),
    );
  });

const block = (api: Api): Route =>
  api.human(async (http, who) => {
    const body = await api.body(http, BlockBody);
    if (!body.ok) return body;
    const blocked = { now: api.clock.now(), userId: who.userId, blockedId: body.value.user_id };
    const done = await api.writer.run("block", blocked);
    return done.ok ? answer({}) : done;
  });

const unblock = (api: Api): Route =>
  api.human(async (http, who) => {
    const blockedId = api.id<UserId>(http, "id");
    if (!blockedId.ok) return blockedId;
    const done = await api.writer.run("unblock", {
      userId: who.userId,
      blockedId: blockedId.value,
    });
    return done.ok ? answer({}) : done;
  });

const listRemarks = (api: Api): Route =>
  api.human(async (_http, { userId }) => answerPage(await api.directory.remarksOf(userId)));

const putRemark = (api: Api): Route =>
  api.human(async (http, { userId }) => {
    const contactId = api.id<AccountId>(http, "id");
    if (!contactId.ok) return contactId;
    const body = await api.body(http, RemarkBody);
    if (!body.ok) return body;
    const put = await api.writer.run("putRemark", {
      userId,
      contactId: contactId.value,
      remarkSealed: body.value.remark_sealed,
    });
    if (!put.ok) return put;
    api.relay.tell(userId, { type: "contact.remarked", contact_id: contactId.value });
    return answer({});
  });

const readUser = (api: Api): Route =>
  api.either(async (http) => {
    const userId = api.id<UserId>(http, "id");
    const user = userId.ok ? await api.directory.user(userId.value) : null;
    return user === null ? refuse("NOT_FOUND") : answer(publicUser(user));
  });
