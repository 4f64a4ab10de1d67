import { describe, expect, test } from "vitest";
import { readConfig } from "../config.ts";
import { readCommandLine, type Call } from "./command-line.ts";

const ID = "01906abc-0000-7000-8000-000000000000";

function calling(...words: string[]): Call {
  const call = readCommandLine(words);
  if (!call.ok) throw new Error(call.failure);
  return call.value;
}
const complaintOf = (...words: string[]): string => {
  const call = readCommandLine(words);
  return call.ok ? "" : (call.failure.split("\n")[0] ?? "");
};

describe("the relay's command line", () => {
  test("[R58] serves unless told otherwise", () => {
    expect(calling()).toMatchObject({ kind: "run", command: "serve", isJson: false });
    expect(calling("--json", "verify")).toMatchObject({ command: "verify", isJson: true });
  });

  test("[R58] --help anywhere prints every command, option and setting", () => {
    const settings = readConfig({ PARLEY_REGISTRATION: "no" });
    const named = settings.ok ? "" : (settings.failure[0]?.name ?? "");

    for (const words of [["--help"], ["-h"], ["help"], ["agent", "create", "--help"]]) {
      const call = calling(...words);
      expect(call.kind).toBe("help");
      for (const part of ["agent quota --id", "takes --description, --suggest", "--json", named])
        expect(call.kind === "help" ? call.text : "").toContain(part);
    }
  });

  test("[R58] names the one thing that is wrong with a call", () => {
    expect(complaintOf("dance")).toBe('There is no command "dance".');
    expect(complaintOf("--loud")).toBe("Unknown option '--loud'");
    expect(complaintOf("agent", "create")).toBe("--name is missing.");
    expect(complaintOf("agent", "create", "--name", "  ")).toBe(
      "--name must be what people see, up to 64 characters.",
    );
    expect(complaintOf("agent", "create", "--name", "--json")).toMatch(/^Option '--name' argument/);
    expect(complaintOf("agent", "revoke", "--id", "nobody")).toBe(
      "--id must be the agent's id, as `agent list` shows it.",
    );
    expect(complaintOf("agent", "quota", "--id", ID, "--bytes-per-day", "1.5")).toBe(
      "--bytes-per-day must be a whole number above 0, of files.",
    );
    expect(complaintOf("agent", "quota", "--id", ID, "--messages-per-second", "0")).toMatch(
      /^--messages-per-second must be/,
    );
    expect(complaintOf("verify", "--to", "/copy")).toBe("--to says nothing to this command.");
  });

  test("[R65] takes a fingerprint as agents print it and as links carry it, and nothing else", () => {
    const groups = Array.from({ length: 16 }, (_, i) => `00${i.toString(16)}F`).join(" ");
    const spelled = Buffer.from(groups.replaceAll(" ", ""), "hex").toString("base64url");
    const given = (fingerprint: string): unknown => {
      const call = calling("agent", "offer", "--id", ID, `--fingerprint=${fingerprint}`);
      return call.kind === "run" ? call.given.fingerprint : null;
    };

    expect([groups, groups.toLowerCase(), ` ${spelled} `].map(given)).toEqual(
      Array(3).fill(spelled),
    );
    for (const wrong of [groups.slice(5), `${groups} 0000`, spelled.slice(1), `${spelled}=`, "fp"])
      expect(complaintOf("agent", "offer", "--id", ID, `--fingerprint=${wrong}`)).toBe(
        "--fingerprint must be the fingerprint that the agent itself prints.",
      );
  });

  test("[R58] hands a command what it was given, in its shapes", () => {
    const call = calling("agent", "quota", "--id", ID, "--messages-per-second", "0.5");

    expect(call).toMatchObject({
      command: "agent quota",
      given: { id: ID, messagesPerSecond: 0.5, dailyBytes: null },
    });
    expect(calling("agent", "create", "--name", " Echo ", "--suggest", "Hi")).toMatchObject({
      given: { name: "Echo", suggest: ["Hi"] },
    });
  });
});
