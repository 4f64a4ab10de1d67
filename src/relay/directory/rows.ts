/** Rows of the directory's tables, as SQLite gives them. */
import type { Bytes } from "#base/bytes.ts";
import type { AgentId, ConversationId, DeviceId, RelationId, UserId } from "#protocol/ids.ts";
import type { Agent, Relation, WayKind } from "#protocol/rest.ts";

export type UserRow = {
  readonly user_id: UserId;
  readonly handle: string;
  readonly display_name: string;
  readonly identity_key: Bytes;
  readonly auth_hash: Bytes | null;
  readonly argon2_salt: string | null;
  readonly argon2_params: string | null;
  readonly read_receipts: number;
  readonly presence: number;
};

export type WayRow = {
  readonly method_id: string;
  readonly method: WayKind;
  readonly auth_hash: Bytes;
  readonly wrap: string | null;
  readonly created_at: number;
};

export type DeviceRow = {
  readonly device_id: DeviceId;
  readonly user_id: UserId;
  readonly signing_key: Bytes;
  readonly certificate: Bytes;
  readonly name_sealed: string | null;
  readonly created_at: number;
  readonly last_active_at: number;
  readonly revoked_at: number | null;
};

export type SessionRow = {
  readonly session_id: string;
  readonly user_id: UserId;
  readonly device_id: DeviceId | null;
  readonly expires_at: number;
};

export type AgentRow = {
  readonly agent_id: AgentId;
  readonly creator_id: UserId | null;
  readonly display_name: string;
  readonly description: string;
  readonly connection_mode: Agent["connection_mode"];
  readonly manifest: string | null;
  readonly manifest_hash: string | null;
  readonly manifest_version: number;
  readonly governance: Agent["governance"];
  readonly token_hash: Bytes;
  /** Null: the limits of every agent. */
  readonly messages_per_second: number | null;
  readonly daily_bytes: number | null;
  readonly webhook_url: string | null;
  readonly health_check_url: string | null;
  /** Sealed under the relay's key. */
  readonly webhook_secret: Bytes | null;
  readonly deleted_at: number | null;
  readonly created_at: number;
  readonly public_key: Bytes | null;
  readonly signing_key: Bytes | null;
  readonly cosigned_card: Bytes | null;
};

/** Of an agent what decides whether its socket may stay, and how often it may write. */
export type AgentStanding = Pick<
  AgentRow,
  | "agent_id"
  | "deleted_at"
  | "governance"
  | "connection_mode"
  | "token_hash"
  | "messages_per_second"
>;

export type PushRow = {
  readonly subscription_id: string;
  readonly user_id: UserId;
  readonly device_id: DeviceId;
  readonly endpoint: string;
  readonly p256dh: Bytes;
  readonly auth: Bytes;
};

export type RelationRow = {
  readonly relation_id: RelationId;
  readonly kind: Relation["kind"];
  readonly user_id: UserId;
  readonly agent_id: AgentId | null;
  readonly peer_user_id: UserId | null;
  readonly status: Relation["status"];
  readonly conversation_id: ConversationId;
  readonly granted_scopes: string;
  readonly created_at: number;
};
