/** The form rules, for screens that check a value before it is sent: the same code runs where the answer arrives. */
export { checkFormValues, type FieldProblem } from "#protocol/form-values.ts";
