import { homedir } from "node:os";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { HasheeError } from "./agent-error.ts";
import { settleOptions, type AgentOptions } from "./options.ts";

const AGENT_ID = "01900000-0000-7000-8000-0000000000a1";
const TOKEN = `hsk_${"a".repeat(40)}`;
const KEY = Buffer.alloc(32, 7).toString("base64");

const pathOf = (options: AgentOptions, environment = {}): unknown => {
  try {
    settleOptions(options, environment);
    return "accepted";
  } catch (error) {
    return error instanceof HasheeError && error.code === "BAD_REQUEST"
      ? error.params["path"]
      : error;
  }
};

describe("the options of an agent", () => {
  test("[K1] come from the option, else the environment, else a default", () => {
    const environment = {
      HASHEE_AGENT_ID: AGENT_ID,
      HASHEE_AGENT_TOKEN: TOKEN,
      HASHEE_BASE_URL: "https://relay.example/",
    };

    const fromEnvironment = settleOptions({}, environment);
    const fromOption = settleOptions({ baseUrl: "https://other.example/base/" }, environment);
    const fromDefault = settleOptions({ agentId: AGENT_ID, token: TOKEN }, {});

    expect(fromEnvironment.baseUrl).toBe("https://relay.example");
    expect(fromOption.baseUrl).toBe("https://other.example/base");
    expect(fromDefault).toMatchObject({
      baseUrl: "http://127.0.0.1:8787",
      connectionMode: "websocket",
      keys: null,
      vaultFolder: `${homedir()}/.hashee/${AGENT_ID}/vault`,
      dedupe: `${homedir()}/.hashee/${AGENT_ID}`,
      crypto: "auto",
    });
    expect(settleOptions({}, { ...environment, HASHEE_CRYPTO: "noble" }).crypto).toBe("noble");
  });

  test("[K1] are each named in the environment, and what the program says wins over it", () => {
    const [key, otherKey] = [3, 4].map((fill) => Buffer.alloc(32, fill).toString("base64"));
    const environment = {
      HASHEE_AGENT_ID: AGENT_ID,
      HASHEE_AGENT_TOKEN: TOKEN,
      HASHEE_BASE_URL: "http://relay.example",
      HASHEE_CONNECTION_MODE: "polling",
      HASHEE_X25519_PRIVATE_BASE64: key,
      HASHEE_ED25519_PRIVATE_BASE64: otherKey,
      HASHEE_KEY_VAULT: "/env/vault",
      HASHEE_DEDUPE: "/env/dedupe",
      HASHEE_CRYPTO: "noble",
    };
    const own: AgentOptions = {
      agentId: AGENT_ID.replace("a1", "a2"),
      token: `hsk_${"b".repeat(40)}`,
      baseUrl: "http://own.example",
      connectionMode: "webhook",
      privateKey: otherKey,
      signingPrivateKey: key,
      keyVault: "/own/vault",
      dedupe: "/own/dedupe",
      crypto: "auto",
    };
    const shown = (options: AgentOptions) => {
      const { token, keys, agentId, baseUrl, connectionMode, vaultFolder, dedupe, crypto } =
        settleOptions(options, environment);
      return [
        ...[agentId, token.reveal(), baseUrl, connectionMode],
        ...[keys?.privateKey, keys?.signingPrivateKey].map((one) => one?.reveal()[0]),
        ...[vaultFolder, dedupe, crypto],
      ];
    };

    expect(shown({})).toEqual([
      ...[AGENT_ID, TOKEN, "http://relay.example", "polling"],
      ...[3, 4, "/env/vault", "/env/dedupe", "noble"],
    ]);
    expect(shown(own)).toEqual([
      ...[own.agentId, own.token, "http://own.example", "webhook"],
      ...[4, 3, "/own/vault", "/own/dedupe", "auto"],
    ]);
    expect(shown({ keyVault: null, dedupe: null }).slice(6, 8)).toEqual([null, null]);
  });

  test("[K1] that are wrong are refused by name", () => {
    const good = { agentId: AGENT_ID, token: TOKEN };

    expect([
      pathOf(good),
      pathOf({ ...good, agentId: "me" }),
      pathOf({ agentId: AGENT_ID }),
      pathOf({ ...good, token: "secret" }),
      pathOf({ ...good, baseUrl: "ftp://relay.example" }),
      pathOf(good, { HASHEE_CONNECTION_MODE: "pigeon" }),
      pathOf({ ...good, privateKey: KEY }),
      pathOf({ ...good, privateKey: "AAAA", signingPrivateKey: KEY }),
      pathOf({ ...good, privateKey: KEY, signingPrivateKey: "AAAA" }),
      pathOf(good, { HASHEE_CRYPTO: "rot13" }),
      pathOf({ ...good, conversationsInMemory: 0 }),
      pathOf({ ...good, conversationsInMemory: 2.5 }),
    ]).toEqual([
      "accepted",
      "agentId",
      "token",
      "token",
      "baseUrl",
      "connectionMode",
      "signingPrivateKey",
      "privateKey",
      "signingPrivateKey",
      "crypto",
      "conversationsInMemory",
      "conversationsInMemory",
    ]);
  });

  test("[K1] that are wrong say where a value can come from", () => {
    const good = { HASHEE_AGENT_ID: AGENT_ID, HASHEE_AGENT_TOKEN: TOKEN };
    const names = [
      "HASHEE_AGENT_ID",
      "HASHEE_AGENT_TOKEN",
      "HASHEE_BASE_URL",
      "HASHEE_CONNECTION_MODE",
      "HASHEE_X25519_PRIVATE_BASE64",
      "HASHEE_CRYPTO",
      "HASHEE_CONVERSATIONS_IN_MEMORY",
    ];

    for (const name of names)
      expect(() => settleOptions({}, { ...good, [name]: "?" }), name).toThrow(name);
  });

  test("[K45] say how many conversations stay in memory, a thousand unless they do", () => {
    const good = { agentId: AGENT_ID, token: TOKEN };
    const environment = { HASHEE_CONVERSATIONS_IN_MEMORY: "50" };

    expect([
      settleOptions(good, {}).conversationsInMemory,
      settleOptions(good, environment).conversationsInMemory,
      settleOptions({ ...good, conversationsInMemory: 7 }, environment).conversationsInMemory,
    ]).toEqual([1_000, 50, 7]);
  });

  test("[K2] never print a key or a token", () => {
    const settled = settleOptions(
      { agentId: AGENT_ID, token: TOKEN, privateKey: KEY, signingPrivateKey: KEY },
      {},
    );
    const printed = `${inspect(settled, { depth: 9 })} ${JSON.stringify(settled)}`;

    expect(printed).toContain("«secret»");
    expect(printed).not.toContain(TOKEN);
    expect(printed).not.toContain(KEY);
    expect(printed).not.toContain("07 07");
  });

  test("[K1] keep nothing on disk where no vault is wanted", () => {
    const settled = settleOptions({ agentId: AGENT_ID, token: TOKEN, keyVault: null }, {});

    expect([settled.vaultFolder, settled.dedupe]).toEqual([null, null]);
  });
});
