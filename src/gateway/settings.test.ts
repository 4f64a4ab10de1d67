import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

test("[G1] the command line goes before the environment; the key is in the environment alone", () => {
  const env = {
    PARLEY_BRIDGE_TO: "http://h:1",
    PARLEY_BRIDGE_PROTOCOL: "chat",
    PARLEY_BRIDGE_KEY: "k",
  };
  const given = readSettings(
    ["--to", "ws://localhost:9527/api/v1/ws", "--protocol", "tpclaw"],
    env,
  );

  expect(given).toMatchObject({
    ok: true,
    value: { protocol: "tpclaw-socket", url: "ws://localhost:9527/api/v1/ws", model: "main" },
  });
  expect(JSON.stringify(given)).not.toContain('"k"');
  expect(readSettings(["--model", "small"], env)).toMatchObject({
    ok: true,
    value: { protocol: "chat", url: "http://h:1/", model: "small" },
  });
});

test("[G1] what cannot work is refused by what is at fault", () => {
  const refusal = (...args: string[]) => {
    const read = readSettings(args, {});
    return read.ok ? null : read.failure;
  };

  expect(refusal("--key", "secret")).toBe("usage");
  expect(refusal("--to")).toBe("usage");
  expect(refusal("--to", "ws://h", "--protocol", "other")).toBe("protocol");
  expect(refusal("--to", "ftp://h", "--protocol", "myagent")).toBe("address");
  expect(refusal("--protocol", "myagent")).toBe("address");
  expect(refusal("--to", "http://h", "--protocol", "chat")).toBe("model");
  expect(refusal("--to", "http://h", "--protocol", "tpclaw")).toBeNull();
});
