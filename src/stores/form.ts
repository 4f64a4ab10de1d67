/** The form rules, as a screen may name them. */
export { checkFormValues, type FieldProblem } from "#bridge/form.ts";
