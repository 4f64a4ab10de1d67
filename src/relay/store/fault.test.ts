import { expect, test } from "vitest";
import { isUnwritable } from "./fault.ts";

test("[R55] a folder that may not be written is one, a port that may not be used is not", () => {
  const refused = (syscall: string): Error =>
    Object.assign(new Error("refused"), { syscall, code: "EACCES" });

  expect([isUnwritable(refused("mkdir")), isUnwritable(refused("listen"))]).toEqual([true, false]);
});
