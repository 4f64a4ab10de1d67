import { Select as Base } from "@base-ui/react/select";
import { useText } from "#ui/text/text.tsx";
import { classNames } from "./class-names.ts";
import { FieldFrame, type FieldFrameProps } from "./Field.tsx";
import styles from "./Field.module.css";
import floating from "./Floating.module.css";
import { Icon } from "./Icon.tsx";

export type Option<Value extends string = string> = {
  readonly value: Value;
  readonly label: string;
};

type SelectProps<Value extends string> = FieldFrameProps & {
  value: Value | null;
  options: readonly Option<Value>[];
  onChange: (value: Value) => void;
  placeholder?: string | undefined;
};

/** One of a list. */
export function Select<Value extends string>({
  value,
  options,
  onChange,
  placeholder,
  ...frame
}: SelectProps<Value>) {
  return (
    <FieldFrame {...frame}>
      <Base.Root<Value>
        items={options}
        value={value}
        onValueChange={(next) => next !== null && onChange(next)}
        disabled={frame.disabled}
      >
        <Trigger placeholder={placeholder} />
        <Listbox options={options} />
      </Base.Root>
    </FieldFrame>
  );
}

type MultiSelectProps<Value extends string> = Omit<SelectProps<Value>, "value" | "onChange"> & {
  value: readonly Value[];
  onChange: (value: readonly Value[]) => void;
};

/** Any number of a list. */
export function MultiSelect<Value extends string>({
  value,
  options,
  onChange,
  placeholder,
  ...frame
}: MultiSelectProps<Value>) {
  return (
    <FieldFrame {...frame}>
      <Base.Root<Value, true>
        multiple
        items={options}
        value={[...value]}
        onValueChange={onChange}
        disabled={frame.disabled}
      >
        <Trigger placeholder={placeholder} />
        <Listbox options={options} />
      </Base.Root>
    </FieldFrame>
  );
}

function Trigger({ placeholder }: { placeholder: string | undefined }) {
  const t = useText();
  return (
    <Base.Trigger className={styles.select}>
      <Base.Value placeholder={placeholder ?? t("form.choose")} />
      <Base.Icon>
        <Icon name="chevron-down" />
      </Base.Icon>
    </Base.Trigger>
  );
}

function Listbox({ options }: { options: readonly Option[] }) {
  return (
    <Base.Portal>
      <Base.Positioner
        sideOffset={4}
        collisionPadding={8}
        alignItemWithTrigger={false}
        className={floating.positioner}
      >
        <Base.Popup className={classNames(floating.popup, styles.listbox)}>
          {options.map((option) => (
            <Base.Item key={option.value} value={option.value} className={floating.item}>
              <Base.ItemText className={floating.itemText}>
                <bdi>{option.label}</bdi>
              </Base.ItemText>
              <Base.ItemIndicator>
                <Icon name="check" />
              </Base.ItemIndicator>
            </Base.Item>
          ))}
        </Base.Popup>
      </Base.Positioner>
    </Base.Portal>
  );
}
