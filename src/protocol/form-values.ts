/** Checks the answers of a form, field by field; the same code runs in the client and in the SDK. SPEC P212–P218. */
import type { Field } from "./artifact-field.ts";

/** Why a field's value is refused; words for people are made from it by the client. */
export type FieldProblem =
  | { readonly kind: "required" }
  | { readonly kind: "wrong-type" }
  | { readonly kind: "too-short"; readonly limit: number }
  | { readonly kind: "too-long"; readonly limit: number }
  | { readonly kind: "too-small"; readonly limit: number | string }
  | { readonly kind: "too-large"; readonly limit: number | string }
  | { readonly kind: "off-step"; readonly step: number }
  | { readonly kind: "bad-format"; readonly format: string }
  | { readonly kind: "not-an-option" }
  | { readonly kind: "not-a-date" };

/** Every problem by field id; empty when the answer may be sent. An absent value of an optional field is fine. */
export function checkFormValues(
  fields: readonly Field[],
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, FieldProblem>> {
  const problemById: Record<string, FieldProblem> = {};
  for (const field of fields) {
    const problem = checkValue(field, values[field.id]);
    if (problem !== null) problemById[field.id] = problem;
  }
  return problemById;
}

function checkValue(field: Field, value: unknown): FieldProblem | null {
  if (isEmpty(value)) return field.required === true ? { kind: "required" } : null;
  switch (field.type) {
    case "text":
    case "textarea":
      return typeof value === "string" ? checkText(field, value) : { kind: "wrong-type" };
    case "number":
      return typeof value === "number" && Number.isFinite(value)
        ? checkNumber(field, value)
        : { kind: "wrong-type" };
    case "select":
    case "radio":
      return field.multiple === true && field.type === "select"
        ? checkChoices(field, value)
        : checkChoice(field, value);
    case "checkbox":
      if (field.options !== undefined) return checkChoices(field, value);
      if (typeof value !== "boolean") return { kind: "wrong-type" };
      return field.required === true && !value ? { kind: "required" } : null;
    case "date":
      return typeof value === "string" ? checkDate(field, value) : { kind: "wrong-type" };
    case "secret": {
      const text = textOfSecret(value);
      if (text === null) return { kind: "wrong-type" };
      if (text === "") return field.required === true ? { kind: "required" } : null;
      return checkText({ ...field, type: "text" }, text);
    }
  }
}

/** The text inside `{ secret }`: as typed in the page and as opened by the agent. On the way it is sealed. */
export const textOfSecret = (value: unknown): string | null =>
  typeof value === "object" &&
  value !== null &&
  "secret" in value &&
  typeof value.secret === "string"
    ? value.secret
    : null;

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  (Array.isArray(value) && value.length === 0);

const FORMATS: Readonly<Record<string, RegExp>> = {
  email: /^[^\s@]{1,64}@[^\s@.]{1,63}(\.[^\s@.]{1,63}){1,8}$/,
  url: /^https?:\/\/[^\s]{1,2000}$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  hostname:
    /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i,
  ipv4: /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.|$)){4}(?<!\.)$/,
  phone: /^\+?[0-9 ().-]{5,30}$/,
};

function checkText(field: Field, text: string): FieldProblem | null {
  const limit = field.max_length ?? (field.type === "text" ? 1_000 : 10_000);
  if (text.length > limit) return { kind: "too-long", limit };
  if (field.min_length !== undefined && text.length < field.min_length)
    return { kind: "too-short", limit: field.min_length };
  const format = field.format;
  return format !== undefined && FORMATS[format]?.test(text) === false
    ? { kind: "bad-format", format }
    : null;
}

function checkNumber(field: Field, value: number): FieldProblem | null {
  if (typeof field.min === "number" && value < field.min)
    return { kind: "too-small", limit: field.min };
  if (typeof field.max === "number" && value > field.max)
    return { kind: "too-large", limit: field.max };
  const step = field.step;
  if (step === undefined || step <= 0) return null;
  const steps = (value - (typeof field.min === "number" ? field.min : 0)) / step;
  return Math.abs(steps - Math.round(steps)) < 1e-9 ? null : { kind: "off-step", step };
}

const checkChoice = (field: Field, value: unknown): FieldProblem | null =>
  field.options?.some((option) => option.value === value) === true
    ? null
    : { kind: "not-an-option" };

function checkChoices(field: Field, value: unknown): FieldProblem | null {
  if (!Array.isArray(value)) return { kind: "wrong-type" };
  return value.every((one) => checkChoice(field, one) === null) ? null : { kind: "not-an-option" };
}

function checkDate(field: Field, text: string): FieldProblem | null {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text)
    return { kind: "not-a-date" };
  if (typeof field.min === "string" && text < field.min)
    return { kind: "too-small", limit: field.min };
  if (typeof field.max === "string" && text > field.max)
    return { kind: "too-large", limit: field.max };
  return null;
}
