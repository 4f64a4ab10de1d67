import { expect, test } from "vitest";
import { isWorthARetry } from "./fault.ts";

const ofServer = (code: string): Error => Object.assign(new Error(), { severity: "ERROR", code });

test("[R53] what the server could not serialize, or ended as a deadlock, is worth another try, and nothing else", () => {
  for (const code of ["40001", "40P01"]) expect(isWorthARetry(ofServer(code))).toBe(true);

  for (const code of ["40002", "23505", "53100", "57P01"])
    expect(isWorthARetry(ofServer(code))).toBe(false);
  // A fault of the line, or of SQLite, is none of the server's.
  expect(isWorthARetry(Object.assign(new Error(), { code: "40001" }))).toBe(false);
  expect(isWorthARetry(Object.assign(new Error(), { errcode: 40001 }))).toBe(false);
});
