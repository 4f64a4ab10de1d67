import { Field as Base } from "@base-ui/react/field";
import { Fieldset } from "@base-ui/react/fieldset";
import type { ComponentProps, ReactNode } from "react";
import { useText } from "#ui/text/text.tsx";
import { classNames } from "./class-names.ts";
import styles from "./Field.module.css";
import { Icon } from "./Icon.tsx";

export type FieldFrameProps = {
  label: ReactNode;
  help?: ReactNode;
  /** Says what is wrong; null or undefined while nothing is. */
  error?: ReactNode;
  /** Adds the quiet word after the label. */
  optional?: boolean;
  disabled?: boolean | undefined;
  /** A name inside forms and for the browser's own filling. */
  name?: string | undefined;
};

/** A label, a control, a line of help and a line of error, tied together for those who listen. */
export function FieldFrame({
  label,
  help,
  error,
  optional,
  disabled,
  name,
  children,
}: FieldFrameProps & { children: ReactNode }) {
  return (
    <Base.Root className={styles.field} invalid={hasWords(error)} disabled={disabled} name={name}>
      <Base.Label className={styles.label}>
        <bdi>{label}</bdi>
        {optional === true && <OptionalMark />}
      </Base.Label>
      {children}
      {hasWords(help) && <Base.Description className={styles.help}>{help}</Base.Description>}
      <FieldError error={error} />
    </Base.Root>
  );
}

/** As {@link FieldFrame}, for several controls under one question. */
export function ChoiceFrame({
  label,
  help,
  error,
  optional,
  disabled,
  children,
}: FieldFrameProps & { children: ReactNode }) {
  return (
    <Base.Root invalid={hasWords(error)} disabled={disabled} render={<div />}>
      <Fieldset.Root className={styles.field} disabled={disabled}>
        <Fieldset.Legend className={styles.label}>
          <bdi>{label}</bdi>
          {optional === true && <OptionalMark />}
        </Fieldset.Legend>
        {hasWords(help) && <Base.Description className={styles.help}>{help}</Base.Description>}
        <div className={styles.choices}>{children}</div>
        <FieldError error={error} />
      </Fieldset.Root>
    </Base.Root>
  );
}

export type TextFieldProps = FieldFrameProps &
  Omit<ComponentProps<"input">, "value" | "defaultValue" | "onChange" | "size" | "disabled"> & {
    value: string;
    onChange: (value: string) => void;
    /** Drawn inside the control at its end. */
    end?: ReactNode;
  };

/** One line of text. */
export function TextField({
  label,
  help,
  error,
  optional,
  disabled,
  name,
  value,
  onChange,
  end,
  className,
  ...input
}: TextFieldProps) {
  const control = (
    <Base.Control
      {...input}
      value={value}
      onValueChange={onChange}
      className={classNames(styles.control, className)}
    />
  );
  return (
    <FieldFrame {...{ label, help, error, disabled, name }} optional={optional === true}>
      {end === undefined ? (
        control
      ) : (
        <div className={styles.withEnd}>
          {control}
          <div className={styles.end}>{end}</div>
        </div>
      )}
    </FieldFrame>
  );
}

type TextAreaProps = FieldFrameProps &
  Omit<ComponentProps<"textarea">, "value" | "defaultValue" | "onChange" | "disabled"> & {
    value: string;
    onChange: (value: string) => void;
  };

/** Several lines of text; grows with them. */
export function TextArea({
  label,
  help,
  error,
  optional,
  disabled,
  name,
  value,
  onChange,
  className,
  ...area
}: TextAreaProps) {
  return (
    <FieldFrame {...{ label, help, error, disabled, name }} optional={optional === true}>
      <Base.Control
        value={value}
        onValueChange={onChange}
        render={
          <textarea {...area} className={classNames(styles.control, styles.area, className)} />
        }
      />
    </FieldFrame>
  );
}

/** The line that says what is wrong; nothing while nothing is. */
export function FieldError({ error }: { error: ReactNode }) {
  if (!hasWords(error)) return null;
  return (
    <Base.Error className={styles.error} match>
      <Icon name="circle-alert" size={14} />
      <span>{error}</span>
    </Base.Error>
  );
}

export function OptionalMark() {
  const t = useText();
  return <span className={styles.optional}>{t("form.optional")}</span>;
}

/** Whether there is anything to say. */
export const hasWords = (node: ReactNode): boolean =>
  node !== undefined && node !== null && node !== "" && node !== false;
