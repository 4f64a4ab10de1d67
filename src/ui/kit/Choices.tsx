import { Checkbox as BaseCheckbox } from "@base-ui/react/checkbox";
import { Field } from "@base-ui/react/field";
import { Radio } from "@base-ui/react/radio";
import { RadioGroup as BaseRadioGroup } from "@base-ui/react/radio-group";
import { Switch as BaseSwitch } from "@base-ui/react/switch";
import type { ReactNode } from "react";
import { ChoiceFrame, FieldError, hasWords, OptionalMark, type FieldFrameProps } from "./Field.tsx";
import styles from "./Field.module.css";
import { Icon } from "./Icon.tsx";
import type { Option } from "./Select.tsx";

type CheckboxProps = {
  label: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean | undefined;
  help?: ReactNode;
  error?: ReactNode;
  optional?: boolean;
};

/** Yes or no, for one thing. */
export function Checkbox({
  label,
  checked,
  onChange,
  disabled,
  help,
  error,
  optional,
}: CheckboxProps) {
  return (
    <Field.Root invalid={hasWords(error)} disabled={disabled}>
      <Field.Label className={styles.choice}>
        <BaseCheckbox.Root
          className={styles.box}
          checked={checked}
          onCheckedChange={(next) => onChange(next)}
          disabled={disabled}
        >
          <BaseCheckbox.Indicator>
            <Icon name="check" size={14} />
          </BaseCheckbox.Indicator>
        </BaseCheckbox.Root>
        <span>
          <bdi>{label}</bdi> {optional === true && <OptionalMark />}
        </span>
      </Field.Label>
      {hasWords(help) && <Field.Description className={styles.help}>{help}</Field.Description>}
      <FieldError error={error} />
    </Field.Root>
  );
}

type CheckboxGroupProps = FieldFrameProps & {
  value: readonly string[];
  options: readonly Option[];
  onChange: (value: readonly string[]) => void;
};

/** Any number of a few. */
export function CheckboxGroup({ value, options, onChange, ...frame }: CheckboxGroupProps) {
  return (
    <ChoiceFrame {...frame}>
      {options.map((option) => (
        <Checkbox
          key={option.value}
          label={option.label}
          checked={value.includes(option.value)}
          disabled={frame.disabled}
          onChange={(checked) =>
            onChange(
              options
                .map((one) => one.value)
                .filter((one) => (one === option.value ? checked : value.includes(one))),
            )
          }
        />
      ))}
    </ChoiceFrame>
  );
}

type RadioFieldProps<Value extends string> = FieldFrameProps & {
  value: Value | null;
  options: readonly Option<Value>[];
  onChange: (value: Value) => void;
};

/** One of a few, all in view. */
export function RadioField<Value extends string>({
  value,
  options,
  onChange,
  ...frame
}: RadioFieldProps<Value>) {
  return (
    <ChoiceFrame {...frame}>
      <BaseRadioGroup
        className={styles.choices}
        value={value}
        onValueChange={(next) => onChange(next as Value)}
        disabled={frame.disabled}
      >
        {options.map((option) => (
          <Field.Item key={option.value}>
            <Field.Label className={styles.choice}>
              <Radio.Root value={option.value} className={styles.dot}>
                <Radio.Indicator />
              </Radio.Root>
              <bdi>{option.label}</bdi>
            </Field.Label>
          </Field.Item>
        ))}
      </BaseRadioGroup>
    </ChoiceFrame>
  );
}

type SwitchProps = {
  label: ReactNode;
  help?: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean | undefined;
};

/** A setting that takes effect at once. */
export function Switch({ label, help, checked, onChange, disabled }: SwitchProps) {
  return (
    <Field.Root disabled={disabled} className={styles.switchRow}>
      <div className={styles.switchText}>
        <Field.Label className={styles.label}>{label}</Field.Label>
        {help !== undefined && (
          <Field.Description className={styles.help}>{help}</Field.Description>
        )}
      </div>
      <BaseSwitch.Root
        className={styles.switch}
        checked={checked}
        onCheckedChange={(next) => onChange(next)}
        disabled={disabled}
      >
        <BaseSwitch.Thumb className={styles.thumb} />
      </BaseSwitch.Root>
    </Field.Root>
  );
}
