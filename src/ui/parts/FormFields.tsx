import { useState } from "react";
import { Checkbox, CheckboxGroup, RadioField } from "#ui/kit/Choices.tsx";
import { TextArea, TextField } from "#ui/kit/Field.tsx";
import { PasswordField } from "#ui/kit/PasswordField.tsx";
import { MultiSelect, Select } from "#ui/kit/Select.tsx";
import { useText } from "#ui/text/text.tsx";
import type { FormField } from "./card-types.ts";
import { asText, asTexts, readNumber } from "./form-values.ts";

type FormFieldProps = {
  field: FormField;
  value: unknown;
  error: string | undefined;
  disabled: boolean;
  onChange: (value: unknown) => void;
};

/** The control of one field; every type of field has one. */
export function FormFieldControl({ field, value, error, disabled, onChange }: FormFieldProps) {
  const t = useText();
  const frame = {
    label: field.label,
    help: field.help,
    error,
    disabled,
    optional: field.required !== true,
    name: field.id,
  };
  const placeholder = field.placeholder;
  const options = field.options ?? [];
  switch (field.type) {
    case "text":
      return (
        <TextField
          {...frame}
          {...INPUTS[field.format ?? "none"]}
          value={asText(value)}
          onChange={onChange}
          placeholder={placeholder}
        />
      );
    case "textarea":
      return (
        <TextArea
          {...frame}
          value={asText(value)}
          onChange={onChange}
          placeholder={placeholder}
          dir="auto"
        />
      );
    case "number":
      return <NumberControl {...{ field, value, error, disabled, onChange }} frame={frame} />;
    case "select":
      return field.multiple === true ? (
        <MultiSelect
          {...frame}
          value={asTexts(value)}
          options={options}
          onChange={onChange}
          placeholder={placeholder}
        />
      ) : (
        <Select
          {...frame}
          value={asText(value) === "" ? null : asText(value)}
          options={options}
          onChange={onChange}
          placeholder={placeholder}
        />
      );
    case "radio":
      return (
        <RadioField
          {...frame}
          value={asText(value) === "" ? null : asText(value)}
          options={options}
          onChange={onChange}
        />
      );
    case "checkbox":
      return field.options === undefined ? (
        <Checkbox
          label={field.label}
          help={field.help}
          error={error}
          optional={frame.optional}
          checked={value === true}
          onChange={onChange}
          disabled={disabled}
        />
      ) : (
        <CheckboxGroup {...frame} value={asTexts(value)} options={options} onChange={onChange} />
      );
    case "date":
      return (
        <TextField
          {...frame}
          type="date"
          value={asText(value)}
          onChange={onChange}
          min={field.min}
          max={field.max}
        />
      );
    case "secret":
      return (
        <PasswordField
          {...frame}
          help={field.help ?? t("form.secretHelp")}
          autoComplete="off"
          value={secretText(value)}
          onChange={(text) => onChange(text === "" ? undefined : { secret: text })}
          placeholder={placeholder}
        />
      );
  }
}

const INPUTS = {
  none: { dir: "auto" },
  email: { type: "email", dir: "ltr", autoCapitalize: "none", spellCheck: false },
  url: { type: "url", dir: "ltr", autoCapitalize: "none", spellCheck: false },
  uuid: { dir: "ltr", autoCapitalize: "none", spellCheck: false },
  hostname: { dir: "ltr", autoCapitalize: "none", spellCheck: false },
  ipv4: { dir: "ltr", inputMode: "decimal", spellCheck: false },
  phone: { type: "tel", dir: "ltr" },
} as const;

const secretText = (value: unknown): string =>
  typeof value === "object" && value !== null && "secret" in value ? asText(value.secret) : "";

type NumberControlProps = FormFieldProps & { frame: { label: string; name: string } };

/** Keeps what is typed ("1." on its way to "1.5") beside the number it means. */
function NumberControl({ field, value, frame, onChange }: NumberControlProps) {
  const [typed, setTyped] = useState(asText(value));
  const shown = readNumber(typed) === value || value === undefined ? typed : asText(value);
  return (
    <TextField
      {...frame}
      inputMode={field.step !== undefined && Number.isInteger(field.step) ? "numeric" : "decimal"}
      value={shown}
      onChange={(text) => {
        setTyped(text);
        onChange(readNumber(text));
      }}
      placeholder={field.placeholder}
    />
  );
}
