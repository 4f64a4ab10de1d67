/**
 * Bodies and answers of the relay's REST paths. An answer is `{data}`, a page `{data, next_cursor}`,
 * a refusal `{error}`. Names ending in `Body` go to the relay; all others come from it. SPEC §2.
 */
import * as v from "valibot";
import type {
  AccountId,
  AgentId,
  AttachmentId,
  ConversationId,
  DeviceId,
  InviteId,
  MessageId,
  RelationId,
  UserId,
} from "./ids.ts";
import { messageMembers } from "./endpoint-frame.ts";
import {
  HANDLE,
  MAX_DESCRIPTION_CHARACTERS,
  MAX_DISPLAY_NAME_CHARACTERS,
  MAX_GROUP_MEMBERS,
  MAX_PREKEYS,
  MAX_SEALED_NAME_CHARACTERS,
  SEALED_REMARK_BYTES,
} from "./limits.ts";
import {
  base64OfSchema,
  base64Schema,
  countSchema,
  idSchema,
  seqSchema,
  timestampSchema,
  tokenSchema,
} from "./parse.ts";

const userId = idSchema<UserId>();
const agentId = idSchema<AgentId>();
const accountId = idSchema<AccountId>();
const deviceId = idSchema<DeviceId>();
const conversationId = idSchema<ConversationId>();
const text = v.string();
const key = base64OfSchema(32);
const handle = v.pipe(text, v.regex(HANDLE));
const displayName = v.pipe(text, v.minLength(1), v.maxLength(MAX_DISPLAY_NAME_CHARACTERS));
const scopes = v.pipe(v.array(v.pipe(text, v.maxLength(128))), v.maxLength(100));
const ledgerEntries = v.pipe(
  v.array(base64Schema),
  v.minLength(1),
  v.maxLength(2 * MAX_GROUP_MEMBERS),
);

// ── Answers ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The envelope of one answer. */
export const answerOf = <Schema extends v.GenericSchema>(data: Schema) => v.object({ data });
/** The envelope of a list; a null cursor is its end. */
export const pageOf = <Schema extends v.GenericSchema>(item: Schema) =>
  v.object({ data: v.array(item), next_cursor: v.nullable(text) });

export const RestError = v.object({
  error: v.object({
    code: text,
    message: text,
    i18n_key: text,
    params: v.record(text, v.unknown()),
  }),
});
export type RestError = v.InferOutput<typeof RestError>;
export const Empty = v.object({});

// ── Keys and ledgers ───────────────────────────────────────────────────────────────────────────────────────────

/** `certificate` is the signed record whose fields count; `kid` and `suite` only help to find it. */
export const Prekey = v.object({
  kid: base64OfSchema(16),
  suite: countSchema,
  certificate: base64Schema,
});
export type Prekey = v.InferOutput<typeof Prekey>;
export const PrekeysBody = v.object({ prekeys: v.pipe(v.array(Prekey), v.maxLength(MAX_PREKEYS)) });

/** `certificate`: the account ledger's `device-add` entry. */
export const Device = v.object({
  device_id: deviceId,
  signing_public_key: key,
  certificate: base64Schema,
  name_sealed: v.optional(base64Schema),
});
export type Device = v.InferOutput<typeof Device>;

export const UserKeys = v.object({
  user_id: userId,
  identity_key: key,
  devices: v.array(
    v.object({
      ...Device.entries,
      prekeys: v.array(Prekey),
      revoked_at: v.nullable(timestampSchema),
    }),
  ),
});
export type UserKeys = v.InferOutput<typeof UserKeys>;

/** `public_key`: the long-lived X25519 key; `signing_public_key`: the identity key. Empty until registered. */
export const AgentKeys = v.object({
  agent_id: agentId,
  public_key: text,
  signing_public_key: text,
  card: v.nullable(base64Schema),
  prekeys: v.array(Prekey),
});
export type AgentKeys = v.InferOutput<typeof AgentKeys>;

/** `card`: seq 0 of the agent's account ledger. */
export const RegisterAgentKeysBody = v.object({
  public_key: key,
  signing_public_key: key,
  prekeys: PrekeysBody.entries.prekeys,
  card: base64Schema,
});
export type RegisterAgentKeysBody = v.InferOutput<typeof RegisterAgentKeysBody>;
/** Hex SHA-256 of the identity key: to compare two answers, not two people. */
export const RegisteredKeys = v.object({ fingerprint: text });

/** One row of a ledger; appending the same shape is compare-and-set on seq and hash. */
export const LedgerRow = v.object({ ledger_seq: countSchema, prev_hash: key, entry: base64Schema });
export type LedgerRow = v.InferOutput<typeof LedgerRow>;
/** `params.head` of a `LEDGER_CONFLICT`. `ledger_seq` is -1 while the ledger is empty. */
export const LedgerHead = v.object({ ledger_seq: v.pipe(v.number(), v.safeInteger()), hash: key });
export type LedgerHead = v.InferOutput<typeof LedgerHead>;

export const SessionOpen = v.object({ session_open: base64Schema });

// ── Signing in ─────────────────────────────────────────────────────────────────────────────────────────────────

export const Argon2Params = v.object({ m: countSchema, t: countSchema, p: countSchema });
export type Argon2Params = v.InferOutput<typeof Argon2Params>;

export const Backup = v.object({
  backup_a: base64Schema,
  backup_b: base64Schema,
  argon2_salt: base64Schema,
  argon2_params: Argon2Params,
  public_key: text,
  signing_public_key: key,
  device_id: deviceId,
  backup_version: v.optional(countSchema),
  bk_gen: countSchema,
  wraps: v.optional(
    v.array(v.object({ method: tokenSchema, method_id: tokenSchema, wrap: base64Schema })),
  ),
});
export type Backup = v.InferOutput<typeof Backup>;

export const AuthConfig = v.object({
  protocol: text,
  registration: v.picklist(["open", "invite", "closed"]),
  email: v.boolean(),
  turnstile_site_key: v.nullable(text),
  limits: v.record(text, countSchema),
});
export type AuthConfig = v.InferOutput<typeof AuthConfig>;

export const AuthParamsBody = v.object({ handle });
export const AuthParams = v.object({ argon2_salt: base64Schema, argon2_params: Argon2Params });
export type AuthParams = v.InferOutput<typeof AuthParams>;

/** `device_id` null: the token may only enrol this browser as a new device. */
export const Tokens = v.object({
  user_id: userId,
  device_id: v.nullable(deviceId),
  access_token: text,
  expires_in_seconds: countSchema,
});
export type Tokens = v.InferOutput<typeof Tokens>;

/** Without a password `auth_key`, `argon2_*` and `backup` are null together. */
export const RegisterBody = v.object({
  user_id: userId,
  handle,
  display_name: displayName,
  auth_key: v.nullable(key),
  argon2_salt: v.nullable(base64Schema),
  argon2_params: v.nullable(Argon2Params),
  identity_key: key,
  account_ledger: ledgerEntries,
  device: Device,
  backup: v.nullable(Backup),
  registration_code: v.optional(tokenSchema),
});
export type RegisterBody = v.InferOutput<typeof RegisterBody>;

export const LoginBody = v.object({
  handle,
  auth_key: key,
  device_id: v.optional(v.nullable(deviceId), null),
});
export const LoggedIn = v.object({ ...Tokens.entries, backup: v.nullable(Backup) });
export type LoggedIn = v.InferOutput<typeof LoggedIn>;

/** Appends `device.certificate` to the account ledger at `ledger_seq`, after `prev_hash`. */
export const AddDeviceBody = v.object({ device: Device, ledger_seq: countSchema, prev_hash: key });

export const ChallengeBody = v.object({ device_id: deviceId });
export const Challenge = v.object({ challenge: key, expires_in_seconds: countSchema });
/** `signature`: Ed25519 by the device key over {@link deviceChallengeText}. */
export const DeviceLoginBody = v.object({
  device_id: deviceId,
  challenge: key,
  signature: base64OfSchema(64),
});

/** The text a device signs to sign in: bound to this relay, this person, this device and this one challenge. */
export const deviceChallengeText = (login: {
  readonly origin: string;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly challenge: string;
}): string =>
  ["parley-device-login-1", login.origin, login.userId, login.deviceId, login.challenge].join("\n");

/** A way into an account beside its password: the newest recovery code, and passkeys. */
export const WayKind = v.picklist(["recovery-code", "passkey"]);
export type WayKind = v.InferOutput<typeof WayKind>;
export const Way = v.object({
  method: WayKind,
  method_id: base64OfSchema(16),
  created_at: timestampSchema,
});
export type Way = v.InferOutput<typeof Way>;
/** `wrap`: a passkey's wrap of the backup key; null for a recovery code, whose wrap is in its file. */
export const PutWayBody = v.object({
  method: WayKind,
  method_id: base64OfSchema(16),
  auth_key: key,
  wrap: v.nullable(base64Schema),
});
/** What shows that a way is known: its id and what follows from its secret. */
export const WayProof = v.object({ method_id: base64OfSchema(16), auth_key: key });
export type WayProof = v.InferOutput<typeof WayProof>;

/** Getting in by a passkey; the answer has the backup and this passkey's wrap of its key. */
export const PasskeyLoginBody = v.object({ user_id: userId, way: WayProof });
export const PasskeyLoggedIn = v.object({
  ...LoggedIn.entries,
  handle,
  wrap: v.nullable(base64Schema),
});
export type PasskeyLoggedIn = v.InferOutput<typeof PasskeyLoggedIn>;

/**
 * Getting in by a recovery file and its code: the identity's key, which the file holds, signs a challenge asked for
 * under the person's id in a device's place, and the code shows that it is the newest. `signature`: Ed25519 over
 * {@link identityChallengeText}.
 */
export const IdentityLoginBody = v.object({
  user_id: userId,
  challenge: key,
  signature: base64OfSchema(64),
  way: WayProof,
});

/** The text an identity signs to get in: bound to this relay, this person and this one challenge. */
export const identityChallengeText = (login: {
  readonly origin: string;
  readonly userId: UserId;
  readonly challenge: string;
}): string => ["parley-identity-login-1", login.origin, login.userId, login.challenge].join("\n");

export const Me = v.object({
  user_id: userId,
  handle,
  display_name: text,
  device_id: v.nullable(deviceId),
  session_expires_at: timestampSchema,
});
export type Me = v.InferOutput<typeof Me>;

/** `auth_key` null: no password is set yet. */
/** The old password's key, or a way in its place. */
export const ChangePasswordBody = v.object({
  auth_key: v.nullable(key),
  way: v.optional(v.nullable(WayProof), null),
  new_auth_key: key,
  argon2_salt: base64Schema,
  argon2_params: Argon2Params,
  backup: Backup,
});

/** One note of a device link or of history; what is in it is for its reader alone. */
export const SealedNoteBody = v.object({ sealed: base64Schema });
/** `link_id`: 16 bytes as hex, made by the old device; `sealed`: the first note. */
export const DeviceLinkBody = v.object({
  link_id: v.pipe(text, v.regex(/^[0-9a-f]{32}$/)),
  sealed: base64Schema,
});
export const DeviceLinkCreated = v.object({ expires_in_seconds: countSchema });
/** Null while its place is empty. */
export const SealedNote = v.object({ sealed: v.nullable(base64Schema) });

/** Note 0 is the head of its slice, the others are its parts. */
export const HistoryNote = v.object({ slice_id: text, index: countSchema, sealed: base64Schema });
/** Whether the device has not taken it out yet. */
export const HistoryWaiting = v.object({ waiting: v.boolean() });

// ── People ─────────────────────────────────────────────────────────────────────────────────────────────────────

export const PublicUser = v.object({ user_id: userId, handle, display_name: text });
export type PublicUser = v.InferOutput<typeof PublicUser>;

export const OwnProfile = v.object({
  ...PublicUser.entries,
  read_receipts: v.boolean(),
  presence: v.boolean(),
  has_password: v.boolean(),
});
export type OwnProfile = v.InferOutput<typeof OwnProfile>;
export const OwnProfileBody = v.object({
  display_name: v.optional(displayName),
  read_receipts: v.optional(v.boolean()),
  presence: v.optional(v.boolean()),
});

/** `auth_key` null: no password was ever set. */
export const DeleteAccountBody = v.object({ auth_key: v.nullable(key) });

export const OwnDevice = v.object({
  device_id: deviceId,
  name_sealed: v.nullable(base64Schema),
  created_at: timestampSchema,
  last_active_at: timestampSchema,
  current: v.boolean(),
});
export type OwnDevice = v.InferOutput<typeof OwnDevice>;

/** A device's name, sealed for its person's devices. */
export const RenameDeviceBody = v.object({
  name_sealed: v.pipe(base64Schema, v.maxLength(MAX_SEALED_NAME_CHARACTERS)),
});

/** The name a person gives a contact, sealed for the person's devices; always of one size. */
export const RemarkBody = v.object({ remark_sealed: base64OfSchema(SEALED_REMARK_BYTES) });
export const ContactRemark = v.object({ contact_id: accountId, ...RemarkBody.entries });
export type ContactRemark = v.InferOutput<typeof ContactRemark>;

export const BlockBody = v.object({ user_id: userId });
export const Block = v.object({ user_id: userId, created_at: timestampSchema });

export const ContactRequestBody = v.object({
  user_id: userId,
  note_sealed: v.optional(base64Schema),
});
export const ContactRequested = v.object({ request_id: tokenSchema });
export const ContactRequest = v.object({
  request_id: tokenSchema,
  direction: v.picklist(["in", "out"]),
  user: PublicUser,
  note_sealed: v.nullable(base64Schema),
  created_at: timestampSchema,
});
export type ContactRequest = v.InferOutput<typeof ContactRequest>;
export const ContactAcceptBody = v.object({
  conversation_id: conversationId,
  ledger: ledgerEntries,
});

// ── Agents, invites, relations ─────────────────────────────────────────────────────────────────────────────────

const targetUrl = v.pipe(text, v.maxLength(2_048));
export const CreateAgentBody = v.object({
  display_name: displayName,
  description: v.optional(v.pipe(text, v.maxLength(MAX_DESCRIPTION_CHARACTERS)), ""),
  connection_mode: v.optional(v.picklist(["websocket", "webhook", "polling"]), "websocket"),
  webhook_url: v.optional(v.nullable(targetUrl), null),
  health_check_url: v.optional(v.nullable(targetUrl), null),
  capability_manifest: v.optional(v.nullable(v.record(text, v.unknown())), null),
});
/** What is left out stays as it is. */
export const ChangeAgentBody = v.object({
  display_name: v.exactOptional(displayName),
  description: v.exactOptional(v.pipe(text, v.maxLength(MAX_DESCRIPTION_CHARACTERS))),
  connection_mode: v.exactOptional(v.picklist(["websocket", "webhook", "polling"])),
  webhook_url: v.exactOptional(v.nullable(targetUrl)),
  health_check_url: v.exactOptional(v.nullable(targetUrl)),
  governance: v.exactOptional(v.picklist(["active", "paused"])),
  capability_manifest: v.exactOptional(v.record(text, v.unknown())),
});
/** A person's decision about one version of an agent's manifest. */
export const ScopesBody = v.object({
  capability_manifest_version: countSchema,
  granted_scopes: scopes,
});
/** `token` and `webhook_secret` (base64 of 32 bytes; webhook agents only) are shown this once. */
export const AgentCreated = v.object({
  agent_id: agentId,
  token: text,
  webhook_secret: v.optional(text),
});
export type AgentCreated = v.InferOutput<typeof AgentCreated>;

/** `creator_id` null: provisioned by the relay's operator. */
export const Agent = v.object({
  agent_id: agentId,
  creator_id: v.nullable(userId),
  display_name: text,
  description: text,
  connection_mode: v.picklist(["websocket", "webhook", "polling"]),
  capability_manifest: v.nullable(v.record(text, v.unknown())),
  capability_manifest_version: countSchema,
  capability_manifest_hash: v.nullable(text),
  governance: v.picklist(["active", "paused", "unreachable", "blocked"]),
  online: v.boolean(),
  keys_registered: v.boolean(),
  /** The creator's word for the agent's key, `vouch.ts`; absent on a relay that keeps none. */
  cosigned_card: v.optional(v.nullable(base64Schema), null),
  /** Shown to its creator only. */
  webhook_url: v.optional(v.nullable(text)),
  health_check_url: v.optional(v.nullable(text)),
});
export type Agent = v.InferOutput<typeof Agent>;
/** `card`: a signed record of `vouch.ts`. */
export const CosignedCardBody = v.object({ card: base64Schema });

export const CreateInviteBody = v.object({
  expires_in_seconds: v.optional(v.pipe(countSchema, v.minValue(60), v.maxValue(31_536_000))),
  max_uses: v.optional(v.pipe(countSchema, v.minValue(1))),
  /** Who accepts waits until the agent's creator approves. */
  approval: v.optional(v.boolean(), false),
});
export const InviteCreated = v.object({ invite_id: idSchema<InviteId>(), code: tokenSchema });
export type InviteCreated = v.InferOutput<typeof InviteCreated>;
export const AgentInvite = v.object({
  ...InviteCreated.entries,
  uses: countSchema,
  max_uses: v.nullable(countSchema),
  expires_at: v.nullable(timestampSchema),
  approval: v.optional(v.boolean(), false),
});
/** What an invite page shows; the keys are pinned only if they match the link's fingerprint. */
export const Invite = v.object({ agent: Agent, keys: AgentKeys });
export type Invite = v.InferOutput<typeof Invite>;
export const InviteAcceptBody = v.object({
  conversation_id: conversationId,
  ledger: ledgerEntries,
  granted_scopes: scopes,
});

export const RELATION_STATUSES = ["established", "suspended", "revoked", "pending"] as const;
export const Relation = v.object({
  relation_id: idSchema<RelationId>(),
  kind: v.picklist(["h2a", "h2h"]),
  user_id: userId,
  agent_id: v.optional(agentId),
  peer_user_id: v.optional(userId),
  status: v.picklist(RELATION_STATUSES),
  conversation_id: conversationId,
  granted_scopes: v.array(text),
  created_at: timestampSchema,
});
export type Relation = v.InferOutput<typeof Relation>;

/** A relation as the agent's creator sees it; no `user` once the account is gone. */
export const AgentRelation = v.object({ ...Relation.entries, user: v.nullable(PublicUser) });
export type AgentRelation = v.InferOutput<typeof AgentRelation>;

export const Contact = v.object({ user: PublicUser, relation: Relation });
export type Contact = v.InferOutput<typeof Contact>;

// ── Conversations and groups ───────────────────────────────────────────────────────────────────────────────────

export const Group = v.object({
  group_id: conversationId,
  role: v.picklist(["owner", "admin", "member"]),
  streaming: v.boolean(),
  members_can_invite: v.boolean(),
  join_approval: v.boolean(),
  group_key_version: countSchema,
});
export type Group = v.InferOutput<typeof Group>;

export const Conversation = v.object({
  conversation_id: conversationId,
  type: v.picklist(["h2h", "h2a", "group"]),
  peer: v.nullable(v.object({ id: accountId, type: v.picklist(["human", "agent"]) })),
  relation_status: v.nullable(v.picklist(RELATION_STATUSES)),
  last_seq: countSchema,
  read_seq: countSchema,
  delivered_seq: countSchema,
  unread_count: countSchema,
  muted_until: v.nullable(timestampSchema),
  pinned: v.boolean(),
  archived: v.boolean(),
  member_count: countSchema,
  group: v.nullable(Group),
  updated_at: timestampSchema,
});
export type Conversation = v.InferOutput<typeof Conversation>;
export const ConversationBody = v.object({
  muted_until: v.optional(v.nullable(timestampSchema)),
  pinned: v.optional(v.boolean()),
  archived: v.optional(v.boolean()),
});

export const Member = v.object({
  id: accountId,
  type: v.picklist(["human", "agent"]),
  role: v.picklist(["owner", "admin", "member"]),
  owner_id: v.optional(userId),
  joined_seq: countSchema,
});
export type Member = v.InferOutput<typeof Member>;

export const ReadBody = v.object({ seq: seqSchema });
export const ReadSeq = v.object({ read_seq: countSchema });
export const RecallBody = v.object({
  client_message_id: v.optional(idSchema<MessageId>()),
  encrypted_payload: v.optional(base64Schema),
});
const { conversation_id: _fromPath, ...sendMembers } = messageMembers;
/** A message by REST; the conversation stands in the path. */
export const SendBody = v.object(sendMembers);
export const AgentSendBody = v.object(messageMembers);

const memberRef = { id: accountId, type: v.picklist(["human", "agent"]) } as const;
export const CreateGroupBody = v.object({
  conversation_id: conversationId,
  members: v.pipe(v.array(v.object(memberRef)), v.maxLength(MAX_GROUP_MEMBERS)),
  ledger: ledgerEntries,
});
/** The change travels with its signed ledger entry, appended by compare-and-set. */
export const AddMemberBody = v.object({ ...memberRef, ledger: LedgerRow });
export const LedgerChangeBody = v.object({ ledger: LedgerRow });
export const ChangeRoleBody = v.object({
  role: v.picklist(["owner", "admin", "member"]),
  ledger: LedgerRow,
});
export const LeaveGroupBody = v.object({ ledger: LedgerRow });
export const GroupSettingsBody = v.object({
  members_can_invite: v.optional(v.boolean()),
  join_approval: v.optional(v.boolean()),
  ledger: v.optional(LedgerRow),
});

export const GroupKeys = v.object({ group_key_version: countSchema });
export type GroupKeys = v.InferOutput<typeof GroupKeys>;

// ── Files and health ───────────────────────────────────────────────────────────────────────────────────────────

export const UploadBody = v.object({
  filename: v.pipe(text, v.maxLength(255)),
  content_type: v.pipe(text, v.maxLength(255)),
  /** Bytes of ciphertext. */
  size: v.pipe(countSchema, v.minValue(1)),
  conversation_id: conversationId,
});
export const Upload = v.object({
  upload_id: tokenSchema,
  upload_url: text,
  attachment_id: idSchema<AttachmentId>(),
  expires_at: timestampSchema,
});
export type Upload = v.InferOutput<typeof Upload>;
/** How much of the ciphertext is here; the rest may follow from there. */
export const UploadState = v.object({ received: countSchema, size: countSchema });
const sha256Hex = v.pipe(text, v.regex(/^[0-9a-f]{64}$/));
export const ConfirmUploadBody = v.object({ upload_id: tokenSchema, sha256: sha256Hex });
export const ConfirmedUpload = v.object({
  attachment_id: idSchema<AttachmentId>(),
  size: countSchema,
  sha256: sha256Hex,
});

const base64Url = v.pipe(text, v.maxLength(200), v.regex(/^[\w-]+$/));
/** As a browser's `PushSubscription` spells itself. */
export const SubscribeBody = v.object({
  endpoint: v.pipe(text, v.maxLength(2_048)),
  keys: v.object({ p256dh: base64Url, auth: base64Url }),
});
export const Subscribed = v.object({ subscription_id: tokenSchema });
export const PushKey = v.object({ vapid_public_key: base64Url });

export const Health = v.object({
  status: v.picklist(["ok", "degraded"]),
  version: text,
  storage: v.picklist(["ok", "read_only", "full"]),
});
export type Health = v.InferOutput<typeof Health>;
