import { describe, expect, test } from "vitest";
import type { ConversationId } from "#protocol/ids.ts";
import {
  aLedger,
  aMessage,
  anId,
  aWorld,
  text64,
  type Account,
  type Person,
  type World,
} from "../relay-world.contract.ts";
import { codeOf, sendByRest } from "../rest-steps.contract.ts";

/** Ada's agent, and what she and others do about it. */
async function adasAgent(world: World) {
  const ada = await world.person("ada");
  const made = await world.rest("POST", "/agents", ada.token, { display_name: "Helper" });
  const { agent_id, token } = made.body.data;
  const agent: Account = { type: "agent", id: agent_id, deviceId: agent_id, token };
  const invite = async (settings: object = {}) =>
    (await world.rest("POST", `/agents/${agent_id}/invites`, ada.token, settings)).body.data;
  const accept = async (by: Person, code: string, about?: ConversationId) => {
    const conversation_id = anId<ConversationId>();
    const ledger = aLedger(1, about ?? conversation_id, 2).map(text64);
    const body = { conversation_id, ledger, granted_scopes: [] };
    return codeOf(await world.rest("POST", `/invites/${code}/accept`, by.token, body));
  };
  const relationOf = async (person: Account) =>
    (await world.rest("GET", "/relations", person.token)).body.data[0];
  return { ada, agent, invite, accept, relationOf };
}

const shownTo = async (world: World, account: Account): Promise<readonly unknown[]> =>
  (await world.rest("GET", "/conversations", account.token)).body.data;

/** Says something, by the path of its kind. */
async function write(world: World, by: Account, conversation: ConversationId): Promise<unknown> {
  if (by.type === "human") return codeOf(await sendByRest(world, by, conversation));
  const { type: _implied, ...body } = aMessage(conversation, by);
  return codeOf(await world.rest("POST", `/agents/${by.id}/messages`, by.token, body));
}

test("[R64] relations come in pages to who names a limit, all at once to who does not, and one by its conversation", async () => {
  const world = await aWorld();
  const { ada, agent, invite, accept } = await adasAgent(world);
  const people = [await world.person("bob"), await world.person("eve"), await world.person("kim")];
  const { code } = await invite();
  for (const person of people) {
    await accept(person, code);
    await world.clock.advance(10);
  }
  const list = async (path: string, account: Account) =>
    (await world.rest("GET", path, account.token)).body;
  const paths = [
    ["/relations", agent],
    [`/agents/${agent.id}/relations`, ada],
  ] as const;

  for (const [path, account] of paths) {
    const whole = await list(path, account);
    const first = await list(`${path}?limit=2`, account);
    const second = await list(`${path}?limit=2&cursor=${first.next_cursor}`, account);

    expect(whole.data.map((row: any) => row.user_id)).toEqual(people.map(({ id }) => id));
    expect([first.data.length, second.next_cursor, whole.next_cursor]).toEqual([2, null, null]);
    expect([...first.data, ...second.data]).toEqual(whole.data);
  }
  const [, second] = (await list("/relations", agent)).data;
  const about = `/relations?conversation_id=${second.conversation_id}`;
  expect((await list(about, agent)).data).toEqual([second]);
  expect((await list(about, people[0] ?? ada)).data).toEqual([]);
});

describe("blocks and requests", () => {
  async function threePeople() {
    const world = await aWorld();
    const [ada, bob, eve] = [
      await world.person("ada"),
      await world.person("bob"),
      await world.person("eve"),
    ];
    const block = (by: Person) =>
      world.rest("POST", "/users/blocks", by.token, { user_id: ada.id });
    const ask = async (to: Person): Promise<string> =>
      (await world.rest("POST", "/contacts/requests", ada.token, { user_id: to.id })).body.data
        .request_id;
    const requestsOf = async (person: Person) =>
      (await world.rest("GET", "/contacts/requests", person.token)).body.data;
    return { world, ada, bob, eve, block, ask, requestsOf };
  }

  test("[P34] a block is lifted by its owner alone, and stands on nobody else's list", async () => {
    const { world, ada, bob, eve, block, ask, requestsOf } = await threePeople();
    const blocksOf = async (person: Person) =>
      (await world.rest("GET", "/users/blocks", person.token)).body.data.map(
        (row: { user_id: string }) => row.user_id,
      );
    await block(bob);
    await block(eve);

    await world.rest("DELETE", `/users/blocks/${ada.id}`, eve.token);
    await world.rest("DELETE", `/users/blocks/${bob.id}`, ada.token);
    await world.rest("DELETE", `/users/blocks/${ada.id}`, ada.token);

    expect([await blocksOf(bob), await blocksOf(eve), await blocksOf(ada)]).toEqual([
      [ada.id],
      [],
      [],
    ]);
    await ask(bob);
    await ask(eve);
    expect(await requestsOf(bob)).toEqual([]);
    expect(await requestsOf(eve)).toMatchObject([{ direction: "in", user: { user_id: ada.id } }]);
  });

  test("[P34] [P35] who is blocked sees their request stand like any other", async () => {
    const { world, ada, bob, eve, block, ask, requestsOf } = await threePeople();
    const asked = await world.online(bob);
    await block(bob);

    const [toBob, toEve] = [await ask(bob), await ask(eve)];

    expect([await ask(bob), await ask(eve)]).toEqual([toBob, toEve]);
    expect(await requestsOf(ada)).toMatchObject([
      { request_id: toBob, direction: "out", user: { user_id: bob.id } },
      { request_id: toEve, direction: "out", user: { user_id: eve.id } },
    ]);
    await asked.settle();
    expect([asked.seen("contact.requested"), await requestsOf(bob)]).toEqual([[], []]);
    // What went nowhere does not come with the lifting of the block.
    await world.rest("DELETE", `/users/blocks/${ada.id}`, bob.token);
    expect(await requestsOf(bob)).toEqual([]);
    await ask(bob);
    expect(await requestsOf(bob)).toMatchObject([{ direction: "in" }]);
  });

  test("[P36] a request whose acceptance does not stand is left as it was, and opens nothing", async () => {
    const { world, ada, bob, eve, ask, requestsOf } = await threePeople();
    const request = await ask(bob);
    const accept = async (by: Person, id: ConversationId, about = id) => {
      const body = { conversation_id: id, ledger: aLedger(1, about, 3).map(text64) };
      return world.rest("POST", `/contacts/requests/${request}/accept`, by.token, body);
    };
    const [taken, free] = [anId<ConversationId>(), anId<ConversationId>()];
    await world.rest("POST", "/groups", eve.token, {
      conversation_id: taken,
      members: [],
      ledger: aLedger(1, taken, 2).map(text64),
    });

    for (const by of [ada, eve]) expect(codeOf(await accept(by, free))).toBe("NOT_FOUND");
    expect(codeOf(await accept(bob, taken))).toBe("ID_TAKEN");
    expect((await accept(bob, free, taken)).status).toBeGreaterThanOrEqual(400);
    for (const person of [ada, bob]) {
      expect(await shownTo(world, person)).toEqual([]);
      expect((await world.rest("GET", "/contacts", person.token)).body.data).toEqual([]);
      expect(await requestsOf(person)).toMatchObject([{ request_id: request }]);
    }

    expect(codeOf(await accept(bob, free))).toBe(201);
    for (const person of [ada, bob]) {
      expect(await shownTo(world, person)).toMatchObject([{ conversation_id: free, last_seq: 1 }]);
      const ledger = await world.rest("GET", `/conversations/${free}/ledger`, person.token);
      expect(ledger.body.data).toHaveLength(3);
      expect(await requestsOf(person)).toEqual([]);
    }
  });
});

describe("an invite", () => {
  test("[P49] that is used up or past its time is neither shown nor accepted", async () => {
    const world = await aWorld();
    const { invite, accept } = await adasAgent(world);
    const [bob, eve] = [await world.person("bob"), await world.person("eve")];
    const [once, short] = [await invite({ max_uses: 1 }), await invite({ expires_in_seconds: 60 })];
    const shown = async ({ code }: { code: string }) =>
      codeOf(await world.rest("GET", `/invites/${code}`));

    expect(await accept(bob, once.code)).toBe(201);
    await world.clock.advance(59_999);
    expect(await shown(short)).toBe(200);
    await world.clock.advance(1);

    for (const spent of [once, short]) {
      expect(await shown(spent)).toBe("INVITE_EXPIRED");
      expect(await accept(eve, spent.code)).toBe("INVITE_EXPIRED");
    }
    expect(await shownTo(world, eve)).toEqual([]);
    expect(await shown({ code: "nobodys" })).toBe("NOT_FOUND");
  });

  test("[P55] is listed with its uses, its time and its approval, and deleted by its agent's creator alone", async () => {
    const world = await aWorld();
    const { ada, agent, invite, accept } = await adasAgent(world);
    const bob = await world.person("bob");
    const other = await world.rest("POST", "/agents", bob.token, { display_name: "Other" });
    const plain = await invite();
    const { invite_id, code } = await invite({
      max_uses: 3,
      expires_in_seconds: 60,
      approval: true,
    });
    const remove = async (by: Person, agentId: string) =>
      codeOf(await world.rest("DELETE", `/agents/${agentId}/invites/${invite_id}`, by.token));

    expect((await world.rest("GET", `/agents/${agent.id}/invites`, ada.token)).body.data).toEqual([
      { ...plain, uses: 0, max_uses: null, expires_at: null, approval: false },
      {
        invite_id,
        code,
        uses: 0,
        max_uses: 3,
        expires_at: new Date(world.clock.now() + 60_000).toISOString(),
        approval: true,
      },
    ]);
    const made = await world.rest("POST", `/agents/${agent.id}/invites`, bob.token, {});
    expect(codeOf(made)).toBe("NOT_FOUND");
    expect(await remove(bob, agent.id)).toBe("NOT_FOUND");
    expect(await remove(bob, other.body.data.agent_id)).toBe("NOT_FOUND");
    expect(codeOf(await world.rest("GET", `/invites/${code}`))).toBe(200);

    expect(await remove(ada, agent.id)).toBe(200);
    expect(codeOf(await world.rest("GET", `/invites/${code}`))).toBe("NOT_FOUND");
    expect(await accept(bob, code)).toBe("NOT_FOUND");
    expect(codeOf(await world.rest("GET", `/invites/${plain.code}`))).toBe(200);
  });

  test("[P55] with approval: until it is given nobody writes, the agent included, and the log is empty", async () => {
    const world = await aWorld();
    const { agent, invite, accept, relationOf } = await adasAgent(world);
    const bob = await world.person("bob");
    const { code } = await invite({ approval: true });

    expect(await accept(bob, code)).toBe(201);

    const { conversation_id, status } = await relationOf(bob);
    expect(status).toBe("pending");
    for (const writer of [bob, agent])
      expect(await write(world, writer, conversation_id)).toBe("RELATION_SUSPENDED");
    const history = await world.rest(
      "GET",
      `/conversations/${conversation_id}/messages`,
      bob.token,
    );
    expect(history.body.data).toEqual([]);
  });

  test("[P57] whose acceptance does not stand is not used, and opens nothing", async () => {
    const world = await aWorld();
    const { ada, agent, invite, accept, relationOf } = await adasAgent(world);
    const bob = await world.person("bob");
    const { code } = await invite({ max_uses: 1 });

    expect(await accept(bob, code, anId<ConversationId>())).not.toBe(201);

    expect(await shownTo(world, bob)).toEqual([]);
    expect(await relationOf(bob)).toBeUndefined();
    const invites = await world.rest("GET", `/agents/${agent.id}/invites`, ada.token);
    expect(invites.body.data).toMatchObject([{ uses: 0 }]);
    expect(await accept(bob, code)).toBe(201);
    expect(await relationOf(bob)).toMatchObject({ status: "established", agent_id: agent.id });
  });
});

describe("a relation", () => {
  test.each(["person", "agent", "creator"] as const)(
    "[P58] is ended by the %s for good, and paused, restored and approved by no stranger",
    async (side) => {
      const world = await aWorld();
      const { ada, agent, invite, accept, relationOf } = await adasAgent(world);
      const [bob, eve] = [await world.person("bob"), await world.person("eve")];
      await accept(bob, (await invite()).code);
      const { relation_id, conversation_id } = await relationOf(bob);
      const change = async (by: Account, verb: string) =>
        codeOf(await world.rest("POST", `/relations/${relation_id}/${verb}`, by.token));

      for (const verb of ["suspend", "restore", "revoke", "approve"])
        expect(await change(eve, verb), verb).toBe("NOT_FOUND");
      for (const by of [bob, agent])
        for (const verb of ["suspend", "restore"])
          expect(await change(by, verb), verb).toBe("FORBIDDEN");
      expect(await change({ person: bob, agent, creator: ada }[side], "revoke")).toBe(200);

      for (const verb of ["suspend", "restore", "approve"])
        expect(await change(ada, verb), verb).toBe("RELATION_REVOKED");
      for (const writer of [bob, agent])
        expect(await write(world, writer, conversation_id)).toBe("RELATION_REVOKED");
    },
  );
});
