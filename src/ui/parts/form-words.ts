import type { FieldProblem } from "#stores/form.ts";
import type { Say } from "#ui/text/text.tsx";

/** What is wrong with a field, in words. */
export function problemToWords(problem: FieldProblem, t: Say): string {
  switch (problem.kind) {
    case "required":
      return t("form.problem.required");
    case "wrong-type":
      return t("form.problem.wrongType");
    case "too-short":
      return t("form.problem.tooShort", { limit: problem.limit });
    case "too-long":
      return t("form.problem.tooLong", { limit: problem.limit });
    case "too-small":
      return typeof problem.limit === "string"
        ? t("form.problem.dateTooEarly", { limit: problem.limit })
        : t("form.problem.tooSmall", { limit: problem.limit });
    case "too-large":
      return typeof problem.limit === "string"
        ? t("form.problem.dateTooLate", { limit: problem.limit })
        : t("form.problem.tooLarge", { limit: problem.limit });
    case "off-step":
      return t("form.problem.offStep", { step: problem.step });
    case "bad-format":
      return formatWords(problem.format, t);
    case "not-an-option":
      return t("form.problem.notAnOption");
    case "not-a-date":
      return t("form.problem.notADate");
  }
}

function formatWords(format: string, t: Say): string {
  switch (format) {
    case "email":
      return t("form.problem.email");
    case "url":
      return t("form.problem.url");
    case "uuid":
      return t("form.problem.uuid");
    case "hostname":
      return t("form.problem.hostname");
    case "ipv4":
      return t("form.problem.ipv4");
    case "phone":
      return t("form.problem.phone");
    default:
      return t("form.problem.format");
  }
}
