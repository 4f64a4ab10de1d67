import { useState } from "react";
import { useText } from "#ui/text/text.tsx";
import { TextField, type TextFieldProps } from "./Field.tsx";
import { IconButton } from "./IconButton.tsx";

/** One line that is not shown while it is typed, with a switch to see it. */
export function PasswordField(props: Omit<TextFieldProps, "type" | "end">) {
  const t = useText();
  const [shown, setShown] = useState(false);
  return (
    <TextField
      spellCheck={false}
      autoCapitalize="none"
      {...props}
      type={shown ? "text" : "password"}
      end={
        <IconButton
          size="small"
          icon={shown ? "eye-off" : "eye"}
          label={shown ? t("general.hide") : t("general.show")}
          pressed={shown}
          onClick={() => setShown(!shown)}
        />
      }
    />
  );
}
