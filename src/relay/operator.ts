/** What the operator does to a data folder by hand, whether its relay is running or not. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Clock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import type { RandomBytes } from "#base/random.ts";
import { ok, type Result } from "#base/result.ts";
import { makeId, type AgentId, type InviteId } from "#protocol/ids.ts";
import { agentTokenHash, makeAgentToken, makeCode } from "./admission.ts";
import type { RelayFailure } from "./failure.ts";
import { DATABASE_FILE } from "./relay-server.ts";
import { openForWriting } from "./store/database.ts";
import { createInlineWriter } from "./store/writer.ts";

export type ProvisionedAgent = {
  readonly agent_id: AgentId;
  /** Shown once; only its hash is kept. */
  readonly token: string;
  readonly invite_code: string;
};

export interface Operator {
  /** An agent nobody but the operator answers for, and a link to it. Fails as the database does. */
  createAgent(name: string, description: string): Promise<Result<ProvisionedAgent, RelayFailure>>;
  /** One more invite. Fails with `NOT_FOUND`. */
  createInvite(agentId: AgentId): Promise<Result<{ readonly invite_code: string }, RelayFailure>>;
  close(): void;
}

/** Opens the folder beside a running relay: SQLite lets one of the two write at a time. */
export function createOperator(dataFolder: string, clock: Clock, random: RandomBytes): Operator {
  const folder = resolve(dataFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const db = openForWriting(join(folder, DATABASE_FILE), makeId(clock.now(), random));
  const writer = createInlineWriter(db, silentLog);

  const createInvite: Operator["createInvite"] = async (agentId) => {
    const invite_code = makeCode(random, 18);
    const created = await writer.run("createInvite", {
      now: clock.now(),
      inviteId: makeId<InviteId>(clock.now(), random),
      code: invite_code,
      agentId,
      maxUses: null,
      expiresAt: null,
    });
    return created.ok ? ok({ invite_code }) : created;
  };

  return {
    createInvite,
    async createAgent(name, description) {
      const agent_id = makeId<AgentId>(clock.now(), random);
      const token = makeAgentToken(random);
      const created = await writer.run("createAgent", {
        now: clock.now(),
        agentId: agent_id,
        creatorId: null,
        displayName: name,
        description,
        connectionMode: "websocket",
        manifest: null,
        manifestHash: null,
        tokenHash: agentTokenHash(token),
      });
      if (!created.ok) return created;
      const invited = await createInvite(agent_id);
      return invited.ok ? ok({ agent_id, token, ...invited.value }) : invited;
    },
    close: () => db.close(),
  };
}
