import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import type { ConversationId, UserId } from "#protocol/ids.ts";
import { DATABASE_FILE } from "../data-folder.ts";
import { openStore, placeOf } from "../store/open-store.ts";
import { aLedger, anId, aWorld, text64, type Account } from "../relay-world.contract.ts";
import { codeOf } from "../rest-steps.contract.ts";

type Scopes = Readonly<Record<string, "low" | "medium" | "high">>;

const aManifest = (scopes: Scopes, requiredTool = false) => ({
  schema_version: "1.0",
  agent_version: "1",
  tools: [
    {
      name: "read_calendar",
      description_i18n_key: "tool.read",
      input_schema: { type: "object" },
      permission_scope: "calendar:read",
      required: requiredTool,
    },
  ],
  permission_scopes: Object.entries(scopes).map(([id, sensitivity]) => ({
    id,
    label_i18n_key: `scope.${id}`,
    sensitivity,
  })),
});

async function anAgentThatAsks() {
  const world = await aWorld();
  const ada = await world.person("ada");
  const bob = await world.person("bob");
  const made = await world.rest("POST", "/agents", ada.token, {
    display_name: "Helper",
    capability_manifest: aManifest({ "calendar:read": "medium" }),
  });
  const { agent_id, token } = made.body.data;
  const agent: Account = { type: "agent", id: agent_id, deviceId: agent_id, token };
  const { code } = (await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, {})).body
    .data;
  const accept = (granted_scopes: readonly string[]) => {
    const conversation_id = anId<ConversationId>();
    const ledger = aLedger(1, conversation_id, 2).map(text64);
    const body = { conversation_id, ledger, granted_scopes };
    return world.rest("POST", `/invites/${code}/accept`, bob.token, body);
  };
  const change = (capability_manifest: unknown) =>
    world.rest("PATCH", `/agents/${agent_id}`, ada.token, { capability_manifest });
  return { world, ada, bob, agent, accept, change };
}

describe("a capability manifest", () => {
  test("[P229] is checked, versioned and hashed in its canonical form", async () => {
    const { world, bob, agent, change } = await anAgentThatAsks();
    const next = aManifest({ "calendar:read": "medium", "calendar:write": "high" });

    const changed = await change(next);
    await change(Object.fromEntries(Object.entries(next).toReversed()));

    const shown = (await world.rest("GET", `/agents/${agent.id}`, bob.token)).body.data;
    expect(changed.status).toBe(200);
    expect(shown).toMatchObject({ capability_manifest: next, capability_manifest_version: 2 });
    const sorted = JSON.stringify(next, [...new Set(keysOf(next))].toSorted());
    expect(shown.capability_manifest_hash).toBe(createHash("sha256").update(sorted).digest("hex"));
  });

  test("[P229] of another shape is refused with the member at fault, and nothing changes", async () => {
    const { world, ada, agent, change } = await anAgentThatAsks();
    const sound = aManifest({ "calendar:read": "low" });

    const refused = [
      await change({ ...sound, schema_version: "2.0" }),
      await change({ ...sound, permission_scopes: [] }),
      await change({ ...sound, tools: [...sound.tools, ...sound.tools] }),
    ];

    expect(refused.map(codeOf)).toEqual(Array(3).fill("MANIFEST_INVALID"));
    expect(refused[0]?.body.error.params.path).toBe("schema_version");
    const shown = await world.rest("GET", `/agents/${agent.id}`, ada.token);
    expect(shown.body.data.capability_manifest_version).toBe(1);
  });

  test("[P50] [P137] that asks for more is told as breaking; what was granted stays until decided", async () => {
    const { world, bob, agent, accept, change } = await anAgentThatAsks();
    const relation = (await accept(["calendar:read"])).body.data;
    const person = await world.online(bob);

    await change(aManifest({ "calendar:read": "medium", "calendar:write": "high" }));
    await change(aManifest({ "calendar:read": "low", "calendar:write": "high" }));
    await change(aManifest({ "calendar:read": "high", "calendar:write": "high" }));
    await change(aManifest({ "calendar:read": "high", "calendar:write": "high" }, true));

    const told = [];
    for (let i = 0; i < 4; i++) told.push(await person.next("agent.capability_changed"));
    expect(told.map((frame) => [frame.capability_manifest_version, frame.breaking])).toEqual([
      [2, true],
      [3, false],
      [4, true],
      [5, true],
    ]);
    const relations = await world.rest("GET", "/relations", bob.token);
    expect(relations.body.data).toMatchObject([
      { relation_id: relation.relation_id, agent_id: agent.id, granted_scopes: ["calendar:read"] },
    ]);
  });

  test("[P59] [P137] is decided upon by version; the agent hears the decision", async () => {
    const { world, ada, bob, agent, accept, change } = await anAgentThatAsks();
    const { relation_id } = (await accept(["calendar:read"])).body.data;
    await change(aManifest({ "calendar:read": "medium", "calendar:write": "high" }));
    const socket = await world.online(agent);
    const decide = (token: string, version: number, granted_scopes: readonly string[]) =>
      world.rest("PUT", `/relations/${relation_id}/scopes`, token, {
        capability_manifest_version: version,
        granted_scopes,
      });

    const outdated = await decide(bob.token, 1, ["calendar:read"]);
    const granted = await decide(bob.token, 2, ["calendar:read", "calendar:write"]);

    expect(outdated.body.error).toMatchObject({
      code: "REVISION_CONFLICT",
      params: { current_revision: 2 },
    });
    expect(granted.body.data.granted_scopes).toEqual(["calendar:read", "calendar:write"]);
    expect(await socket.next("agent.capability_changed")).toMatchObject({
      user_id: bob.id,
      relation_id,
      accepted: true,
    });
    expect(codeOf(await decide(bob.token, 2, ["mail:send"]))).toBe("BAD_REQUEST");
    expect(codeOf(await decide(ada.token, 2, []))).toBe("NOT_FOUND");
  });

  test("[P59] is judged where it is stored: what changed since it was looked at counts", async () => {
    const { world, ada, bob, accept, change } = await anAgentThatAsks();
    const { relation_id } = (await accept([])).body.data;
    await change(aManifest({ "calendar:read": "high" }));
    const { clock, database, folder } = world;
    const beside = await openStore(placeOf(database, join(folder, DATABASE_FILE), "here"), {
      clock,
      random: systemRandom,
      log: silentLog,
    });
    const grant = (by: Account, manifestVersion: number) =>
      beside.writer.run("grantScopes", {
        relationId: relation_id,
        by: by.id as UserId,
        manifestVersion,
        grantedScopes: ["calendar:read"],
      });

    const answers = [await grant(bob, 1), await grant(ada, 2), await grant(bob, 2)];
    await beside.close();

    expect(answers).toMatchObject([
      { failure: { code: "REVISION_CONFLICT", params: { current_revision: 2 } } },
      { failure: { code: "NOT_FOUND" } },
      { ok: true, value: { granted_scopes: '["calendar:read"]' } },
    ]);
  });

  test("[P57] an invite is accepted with scopes the agent asks for and no others", async () => {
    const { accept } = await anAgentThatAsks();

    const refused = await accept(["calendar:read", "mail:send"]);

    expect([codeOf(refused), refused.body.error.params.path]).toEqual([
      "BAD_REQUEST",
      "granted_scopes",
    ]);
    expect((await accept([])).status).toBe(201);
  });
});

/** Every member name at any depth. */
function keysOf(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const names = Array.isArray(value) ? [] : Object.keys(value);
  return [...names, ...Object.values(value).flatMap(keysOf)];
}
