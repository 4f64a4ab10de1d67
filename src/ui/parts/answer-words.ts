import type { Say } from "#ui/text/text.tsx";

/** A value as it is read: options by their label, secrets by their length, everything else plainly. */
export function valueToWords(
  value: unknown,
  options: readonly { readonly value: string; readonly label: string }[],
  t: Say,
): string {
  const labelOf = (one: unknown): string =>
    options.find((option) => option.value === one)?.label ??
    (typeof one === "object" ? JSON.stringify(one) : String(one));
  if (value === undefined || value === null || value === "") return t("general.notGiven");
  if (Array.isArray(value))
    return value.length === 0 ? t("general.notGiven") : value.map(labelOf).join(", ");
  if (typeof value === "boolean") return value ? t("general.yes") : t("general.no");
  if (typeof value === "object" && "secret" in value) return t("form.secretSealed");
  if (typeof value === "object" && "secret_length" in value)
    return t("form.secretGiven", { length: Number(value.secret_length) });
  return labelOf(value);
}
