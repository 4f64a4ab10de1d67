import { useState } from "react";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { TextArea } from "#ui/kit/Field.tsx";
import { useText } from "#ui/text/text.tsx";

type ReplanProps = {
  /** What the plan at hand was made for. */
  question: string;
  /** Null leaves the question to the server, which remembers the last one. */
  onReplan: (question: string | null) => void;
};

/** Has the agent plan anew, for the same question or for another. */
export function Replan({ question, onReplan }: ReplanProps) {
  const t = useText();
  const [isOpen, setIsOpen] = useState(false);
  const [text, setText] = useState(question);
  const close = (): void => {
    setIsOpen(false);
    setText(question);
  };
  return (
    <>
      <Button size="small" variant="quiet" icon="retry" onClick={() => setIsOpen(true)}>
        {t("plan.replan")}
      </Button>
      <Dialog
        open={isOpen}
        onOpenChange={(next) => (next ? setIsOpen(true) : close())}
        title={t("plan.replan")}
        description={t("plan.replanHelp")}
        footer={
          <>
            <Button onClick={close}>{t("general.cancel")}</Button>
            <Button
              variant="primary"
              onClick={() => {
                const asked = text.trim();
                setIsOpen(false);
                onReplan(asked === "" ? null : asked);
              }}
            >
              {t("plan.replan")}
            </Button>
          </>
        }
      >
        <TextArea
          label={t("plan.replanQuestion")}
          value={text}
          onChange={setText}
          rows={4}
          dir="auto"
        />
      </Dialog>
    </>
  );
}
