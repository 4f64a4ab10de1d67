import { expect, test } from "vitest";
import { isRetyped } from "./recovery-retype.ts";

test("[U86] a recovery code counts as written down when its last two groups are typed again", () => {
  const code = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV";

  expect(isRetyped(code, "mnpq rstv")).toBe(true);
  expect(isRetyped(code, "MNPQ-RSTV")).toBe(true);
  for (const other of ["", "RSTV", "MNPQ-RSTX", code]) expect(isRetyped(code, other)).toBe(false);
});
