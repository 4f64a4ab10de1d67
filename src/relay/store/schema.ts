/**
 * The relay's tables, as forward-only migrations: a released one is never edited, only followed by another.
 * Ids are text, times epoch ms, sealed and hashed things blobs. What is kept and for how long: SPEC §stored.
 */

/** Marks the file as ours ("Prly"), so that no other program's database is opened by mistake. */
export const APPLICATION_ID = 0x50726c79;

const ACCOUNTS = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE users (
  user_id TEXT PRIMARY KEY, handle TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL,
  identity_key BLOB NOT NULL, auth_hash BLOB, argon2_salt TEXT, argon2_params TEXT,
  read_receipts INTEGER NOT NULL DEFAULT 1, presence INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE devices (
  device_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(user_id) ON DELETE CASCADE,
  signing_key BLOB NOT NULL, certificate BLOB NOT NULL, name_sealed TEXT,
  created_at INTEGER NOT NULL, last_active_at INTEGER NOT NULL, revoked_at INTEGER
) STRICT;
CREATE INDEX devices_by_user ON devices(user_id);
CREATE TABLE sessions (
  session_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(user_id) ON DELETE CASCADE,
  device_id TEXT, refresh_hash BLOB NOT NULL UNIQUE, old_hash BLOB, rotated_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions(user_id);
CREATE INDEX sessions_by_old_hash ON sessions(old_hash);
CREATE TABLE login_failures (
  handle TEXT PRIMARY KEY, failures INTEGER NOT NULL, locked_until INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE agents (
  agent_id TEXT PRIMARY KEY, creator_id TEXT, display_name TEXT NOT NULL, description TEXT NOT NULL,
  connection_mode TEXT NOT NULL, manifest TEXT, manifest_hash TEXT, manifest_version INTEGER NOT NULL,
  governance TEXT NOT NULL, token_hash BLOB NOT NULL UNIQUE,
  public_key BLOB, signing_key BLOB, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX agents_by_creator ON agents(creator_id);
CREATE TABLE prekeys (
  owner_id TEXT NOT NULL, position INTEGER NOT NULL, kid TEXT NOT NULL, suite INTEGER NOT NULL,
  certificate TEXT NOT NULL, PRIMARY KEY (owner_id, position)
) STRICT;
CREATE TABLE backups (
  user_id TEXT PRIMARY KEY REFERENCES users(user_id) ON DELETE CASCADE, version INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE account_ledger (
  account_id TEXT NOT NULL, seq INTEGER NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, entry BLOB NOT NULL,
  PRIMARY KEY (account_id, seq)
) STRICT;
CREATE TABLE invites (
  invite_id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, agent_id TEXT NOT NULL, uses INTEGER NOT NULL DEFAULT 0,
  max_uses INTEGER, expires_at INTEGER, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX invites_by_agent ON invites(agent_id);
CREATE TABLE relations (
  relation_id TEXT PRIMARY KEY, kind TEXT NOT NULL, user_id TEXT NOT NULL, agent_id TEXT, peer_user_id TEXT,
  status TEXT NOT NULL, conversation_id TEXT NOT NULL UNIQUE, granted_scopes TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX relations_by_user ON relations(user_id);
CREATE INDEX relations_by_agent ON relations(agent_id);
CREATE INDEX relations_by_peer ON relations(peer_user_id);
CREATE TABLE contact_requests (
  request_id TEXT PRIMARY KEY, from_id TEXT NOT NULL, to_id TEXT NOT NULL, note_sealed TEXT,
  created_at INTEGER NOT NULL, UNIQUE (from_id, to_id)
) STRICT;
CREATE INDEX contact_requests_by_target ON contact_requests(to_id);
CREATE TABLE blocks (
  user_id TEXT NOT NULL, blocked_id TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (user_id, blocked_id)
) STRICT;`;

const LOG = `
CREATE TABLE conv (
  id TEXT PRIMARY KEY, type TEXT NOT NULL, status TEXT NOT NULL, next_seq INTEGER NOT NULL DEFAULT 1,
  members_can_invite INTEGER NOT NULL DEFAULT 0, join_approval INTEGER NOT NULL DEFAULT 0,
  group_key_version INTEGER NOT NULL DEFAULT 0, updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE member (
  conv TEXT NOT NULL REFERENCES conv(id) ON DELETE CASCADE, account TEXT NOT NULL, type TEXT NOT NULL,
  role TEXT NOT NULL, owner_id TEXT, joined_seq INTEGER NOT NULL, left_seq INTEGER,
  read_seq INTEGER NOT NULL DEFAULT 0, delivered_seq INTEGER NOT NULL DEFAULT 0,
  muted_until INTEGER, pinned INTEGER NOT NULL DEFAULT 0, archived INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (conv, account)
) STRICT;
CREATE INDEX member_by_account ON member(account);
CREATE TABLE entry (
  conv TEXT NOT NULL REFERENCES conv(id) ON DELETE CASCADE, seq INTEGER NOT NULL, msg_id TEXT,
  sender_id TEXT, sender_type TEXT NOT NULL, sender_dev TEXT, kind TEXT NOT NULL, meta TEXT NOT NULL,
  body BLOB, hash BLOB, counts INTEGER NOT NULL, at INTEGER NOT NULL, recalled_at INTEGER,
  PRIMARY KEY (conv, seq)
) STRICT;
CREATE UNIQUE INDEX entry_by_message ON entry(conv, msg_id) WHERE msg_id IS NOT NULL;
CREATE INDEX entry_unread ON entry(conv, seq, sender_id) WHERE counts = 1;
CREATE TABLE cursor (
  recipient_dev TEXT NOT NULL, conv TEXT NOT NULL REFERENCES conv(id) ON DELETE CASCADE, acked_seq INTEGER NOT NULL,
  PRIMARY KEY (recipient_dev, conv)
) STRICT;
CREATE TABLE session_open (
  conv TEXT NOT NULL REFERENCES conv(id) ON DELETE CASCADE, sid BLOB NOT NULL, first_seq INTEGER NOT NULL,
  bytes BLOB NOT NULL, PRIMARY KEY (conv, sid)
) STRICT;
CREATE INDEX session_open_by_seq ON session_open(conv, first_seq);
CREATE TABLE ledger (
  conv TEXT NOT NULL REFERENCES conv(id) ON DELETE CASCADE, seq INTEGER NOT NULL, prev_hash BLOB NOT NULL,
  hash BLOB NOT NULL, entry BLOB NOT NULL, PRIMARY KEY (conv, seq)
) STRICT;
CREATE TABLE artifact (
  conv TEXT NOT NULL REFERENCES conv(id) ON DELETE CASCADE, key TEXT NOT NULL, author TEXT NOT NULL,
  revision INTEGER NOT NULL, expires_at INTEGER, expired INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (conv, key)
) STRICT;
CREATE INDEX artifact_expiry ON artifact(expires_at) WHERE expired = 0 AND expires_at IS NOT NULL;
CREATE TABLE stream (
  conv TEXT NOT NULL REFERENCES conv(id) ON DELETE CASCADE, stream_id TEXT NOT NULL, sender_dev TEXT NOT NULL,
  PRIMARY KEY (conv, stream_id)
) STRICT;
CREATE TABLE upload (
  upload_id TEXT PRIMARY KEY, attachment_id TEXT NOT NULL UNIQUE, conv TEXT NOT NULL, uploader TEXT NOT NULL,
  size INTEGER NOT NULL, sha256 TEXT, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX upload_by_conv ON upload(conv, created_at);`;

const AGENT_LIMITS = `
ALTER TABLE agents ADD COLUMN messages_per_second REAL;
ALTER TABLE agents ADD COLUMN daily_bytes INTEGER;`;

const WEBHOOKS = `
ALTER TABLE agents ADD COLUMN webhook_url TEXT;
ALTER TABLE agents ADD COLUMN health_check_url TEXT;
ALTER TABLE agents ADD COLUMN webhook_secret BLOB;
ALTER TABLE agents ADD COLUMN deleted_at INTEGER;
CREATE INDEX agents_by_webhook ON agents(connection_mode) WHERE connection_mode = 'webhook';`;

const PUSH = `
CREATE TABLE push_subscriptions (
  subscription_id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(user_id) ON DELETE CASCADE,
  device_id TEXT NOT NULL UNIQUE, endpoint TEXT NOT NULL UNIQUE, p256dh BLOB NOT NULL, auth BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX push_by_user ON push_subscriptions(user_id);`;

const QUARANTINE = `
ALTER TABLE conv ADD COLUMN damaged_at INTEGER;`;

const PINS = `
CREATE TABLE pin (
  conv TEXT NOT NULL REFERENCES conv(id) ON DELETE CASCADE, msg_id TEXT NOT NULL, pinned_by TEXT NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (conv, msg_id)
) STRICT;`;

const IDEMPOTENCY = `
CREATE TABLE idempotency (
  scope TEXT PRIMARY KEY, request_hash BLOB NOT NULL, status INTEGER NOT NULL, sealed BLOB NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency(at);`;

const APPROVAL = `
ALTER TABLE invites ADD COLUMN approval INTEGER NOT NULL DEFAULT 0;`;

const NODES = `
CREATE TABLE node (node_id TEXT PRIMARY KEY, beat INTEGER NOT NULL) STRICT;
CREATE TABLE agent_set (agent_id TEXT PRIMARY KEY, fence INTEGER NOT NULL) STRICT;
CREATE TABLE agent_socket (
  connection_id TEXT PRIMARY KEY, agent_id TEXT NOT NULL,
  node_id TEXT NOT NULL REFERENCES node(node_id) ON DELETE CASCADE, hint TEXT, used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_socket_by_agent ON agent_socket(agent_id);
CREATE INDEX agent_socket_by_node ON agent_socket(node_id);
CREATE TABLE agent_hold (
  agent_id TEXT NOT NULL, conv TEXT NOT NULL,
  connection_id TEXT NOT NULL REFERENCES agent_socket(connection_id) ON DELETE CASCADE, PRIMARY KEY (agent_id, conv)
) STRICT;
CREATE INDEX agent_hold_by_connection ON agent_hold(connection_id);
CREATE TABLE online (
  account TEXT NOT NULL, node_id TEXT NOT NULL REFERENCES node(node_id) ON DELETE CASCADE, type TEXT NOT NULL,
  PRIMARY KEY (account, node_id)
) STRICT;
CREATE INDEX online_by_node ON online(node_id);
CREATE TABLE chore (
  name TEXT PRIMARY KEY, node_id TEXT NOT NULL REFERENCES node(node_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX chore_by_node ON chore(node_id);
CREATE TABLE ticket (
  ticket_id TEXT PRIMARY KEY, subject TEXT NOT NULL, content TEXT, expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_by_age ON ticket(expires_at);
ALTER TABLE stream ADD COLUMN node_id TEXT;`;

const WAYS = `
CREATE TABLE ways (
  user_id TEXT NOT NULL REFERENCES users(user_id) ON DELETE CASCADE, method_id TEXT NOT NULL, method TEXT NOT NULL,
  auth_hash BLOB NOT NULL, wrap TEXT, created_at INTEGER NOT NULL, PRIMARY KEY (user_id, method_id)
) STRICT;`;

const COSIGNED_CARDS = `
ALTER TABLE agents ADD COLUMN cosigned_card BLOB;`;
const REMARKS = `
CREATE TABLE remark (
  user_id TEXT NOT NULL REFERENCES users(user_id) ON DELETE CASCADE, contact_id TEXT NOT NULL,
  remark_sealed TEXT NOT NULL, PRIMARY KEY (user_id, contact_id)
) STRICT;`;

/** What is looked for in large tables by something else than their keys. */
const LOOKED_FOR = `
CREATE INDEX entry_recalls ON entry(conv, seq) WHERE kind = 'message.recalled';
CREATE INDEX upload_by_uploader ON upload(uploader, created_at);
CREATE INDEX upload_unconfirmed ON upload(created_at) WHERE sha256 IS NULL;
CREATE INDEX sessions_by_device ON sessions(device_id);
CREATE INDEX sessions_by_end ON sessions(expires_at);
CREATE INDEX login_failures_by_age ON login_failures(at);
CREATE INDEX relations_of_two ON relations(user_id, agent_id);
CREATE INDEX upload_confirmed ON upload(created_at, size) WHERE sha256 IS NOT NULL;`;

/** What many conversations of one account are paged by, and what ends some at a time. */
const MANY = `
CREATE INDEX conv_damaged ON conv(id) WHERE damaged_at IS NOT NULL;
CREATE INDEX blocks_by_blocked ON blocks(blocked_id);
ALTER TABLE agents ADD COLUMN is_ending INTEGER NOT NULL DEFAULT 0;
CREATE INDEX agents_ending ON agents(agent_id) WHERE is_ending = 1;
CREATE INDEX relations_standing ON relations(agent_id, relation_id) WHERE status <> 'revoked';
DROP INDEX member_by_account;
CREATE INDEX member_by_account ON member(account, conv);`;

/** Relations are paged. */
const RELATION_PAGES = `
DROP INDEX relations_by_user;
CREATE INDEX relations_by_user ON relations(user_id, relation_id);
DROP INDEX relations_by_agent;
CREATE INDEX relations_by_agent ON relations(agent_id, relation_id);
DROP INDEX relations_by_peer;
CREATE INDEX relations_by_peer ON relations(peer_user_id, relation_id);`;

/** Agents that newcomers are shown, by the fingerprint that the operator read at the agent. */
const OFFERS = `
CREATE TABLE offers (
  agent_id TEXT PRIMARY KEY REFERENCES agents(agent_id) ON DELETE CASCADE,
  code TEXT NOT NULL, fingerprint TEXT NOT NULL
) STRICT;`;

/** Migration n brings `user_version` from n to n + 1. */
export const MIGRATIONS: readonly string[] = [
  ACCOUNTS + LOG,
  AGENT_LIMITS,
  WEBHOOKS,
  PUSH,
  QUARANTINE,
  PINS,
  IDEMPOTENCY,
  APPROVAL,
  NODES,
  WAYS,
  COSIGNED_CARDS,
  REMARKS,
  LOOKED_FOR,
  MANY,
  RELATION_PAGES,
  OFFERS,
];
