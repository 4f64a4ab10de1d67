/** Snapshots of the agents a person made, for the screens that keep them. SPEC §views. */
import type { AgentId, InviteId, RelationId, UserId } from "#protocol/ids.ts";

/** How an agent's program comes to its messages. All but `websocket` seal each message for itself. */
export type AgentMode = "websocket" | "webhook" | "polling";

export type OwnAgentView = {
  readonly id: AgentId;
  readonly name: string;
  readonly description: string;
  readonly mode: AgentMode;
  readonly webhookUrl: string | null;
  readonly healthCheckUrl: string | null;
  /** What one could ask first. */
  readonly suggestions: readonly string[];
  /** `paused` by its creator; `unreachable` by the relay's health checks; `blocked` by the relay's operator. */
  readonly standing: "active" | "paused" | "unreachable" | "blocked";
  readonly isOnline: boolean;
  /** Whether its program has started once and told its keys. */
  readonly hasKeys: boolean;
  /** What its program prints when it starts, for the eye to compare; null until its keys were seen. */
  readonly fingerprintText: string | null;
  /** `confirmed`: this person's word for the key holds. `lapsed`: it did once; key or device has changed since. */
  readonly confirmation: "none" | "confirmed" | "lapsed";
};

/** Of whom it is proven that they made an agent. */
export type AgentMakerView = {
  readonly id: UserId;
  readonly name: string;
  readonly handle: string;
  /** Whether this person compared the maker's key; without that, name and key belong together by the relay's word only. */
  readonly trust: "self" | "verified" | "unverified";
};

/** A secret here is told this once. */
export type NewAgentView = {
  readonly agent: OwnAgentView;
  readonly token: string;
  /** Base64 of 32 bytes; null unless the agent is called by webhook. */
  readonly webhookSecret: string | null;
  /** Where its program finds the relay. */
  readonly baseUrl: string;
};

export type AgentInviteView = {
  readonly inviteId: InviteId;
  /** The whole link, fingerprint in its fragment. */
  readonly url: string;
  readonly uses: number;
  readonly maxUses: number | null;
  readonly expiresAt: number | null;
  /** Who comes by it waits until its maker lets them in. */
  readonly asksApproval: boolean;
};

/** Somebody who is connected with an agent, or waits to be. */
export type AgentRelationView = {
  readonly relationId: RelationId;
  readonly userId: UserId;
  /** Empty once the account is gone. */
  readonly name: string;
  readonly handle: string;
  readonly status: "pending" | "established" | "suspended";
  readonly since: number;
};
/** What an agent's creator does about it; `revoke` is for good. */
export type AgentRelationChange = "approve" | "suspend" | "restore" | "revoke";

/** The links to an agent, and what to compare: its program prints the same fingerprint when it starts. */
export type AgentInvitesView = {
  readonly fingerprintText: string;
  readonly invites: readonly AgentInviteView[];
};

/** What a person gives a new agent. */
export type NewAgentInput = {
  readonly name: string;
  readonly description: string;
  readonly mode: AgentMode;
  readonly webhookUrl: string | null;
  readonly suggestions: readonly string[];
};

/** What is left out stays. */
export type AgentChangeInput = Partial<
  NewAgentInput & { readonly healthCheckUrl: string | null; readonly isPaused: boolean }
>;
