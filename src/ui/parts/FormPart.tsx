import { useRef, useState, type SubmitEvent } from "react";
import type { FieldProblem } from "#stores/form.ts";
import type { AnswerView, ArtifactView } from "#stores/views.ts";
import { Button } from "#ui/kit/Button.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { useText } from "#ui/text/text.tsx";
import { valueToWords } from "./answer-words.ts";
import { AnswerLine, CardState } from "./AnswerLine.tsx";
import { Blocks } from "./Blocks.tsx";
import { CardFrame } from "./CardFrame.tsx";
import type { FormField, FormPayload, Values } from "./card-types.ts";
import { FormFieldControl } from "./FormFields.tsx";
import styles from "./FormPart.module.css";
import { draftOf, startingValues } from "./form-values.ts";
import { problemToWords } from "./form-words.ts";

/** The action that sends a form's values. */
export const SUBMIT_ACTION = "submit";
/** The action that declines to fill in a form. */
export const CANCEL_ACTION = "cancel";

type FormPartProps = {
  artifact: ArtifactView;
  payload: FormPayload;
  isBusy: boolean;
  check: (fields: readonly FormField[], values: Values) => Readonly<Record<string, FieldProblem>>;
  onDraft: (values: Values) => Promise<boolean>;
  onAnswer: (actionId: string, values: Values) => void;
};

/** Questions with fields; afterwards, what was answered. */
export function FormPart({ artifact, payload, isBusy, check, onDraft, onAnswer }: FormPartProps) {
  const t = useText();
  const isOpen = artifact.canRespond && !artifact.expired;
  return (
    <CardFrame
      icon="form"
      kind={t("card.form")}
      title={artifact.title}
      tone={artifact.answer === null ? "neutral" : "proven"}
      state={<CardState artifact={artifact} />}
    >
      {payload.description !== undefined && payload.description !== "" && (
        <p className={styles.description} dir="auto">
          <HiddenText text={payload.description} />
        </p>
      )}
      <Blocks blocks={payload.blocks} />
      {isOpen ? (
        <OpenForm {...{ artifact, payload, isBusy, check, onDraft, onAnswer }} />
      ) : (
        artifact.answers.map((answer) => (
          <Answered key={`${answer.by}-${answer.at}`} answer={answer} fields={payload.fields} />
        ))
      )}
    </CardFrame>
  );
}

function OpenForm({ artifact, payload, isBusy, check, onDraft, onAnswer }: FormPartProps) {
  const t = useText();
  const form = useRef<HTMLFormElement>(null);
  const { fields } = payload;
  const [values, setValues] = useState(() => startingValues(fields, artifact.draftValues));
  const [wasTried, setTried] = useState(false);
  const [isKept, setKept] = useState(artifact.draftValues !== null);
  const problems = wasTried ? check(fields, values) : {};
  const problemCount = Object.keys(problems).length;

  const change = (id: string, value: unknown): void => {
    const next = { ...values, [id]: value };
    setValues(next);
    setKept(false);
    void onDraft(draftOf(fields, next)).then((isSaved) => isSaved && setKept(true));
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setTried(true);
    const found = check(fields, values);
    const first = fields.find((field) => Object.hasOwn(found, field.id));
    if (first === undefined) onAnswer(SUBMIT_ACTION, values);
    else focusField(form.current, first.id);
  };

  return (
    <form
      ref={form}
      className={styles.form}
      aria-label={artifact.title}
      onSubmit={submit}
      noValidate
    >
      {fields.map((field) => {
        const problem = problems[field.id];
        return (
          <div key={field.id} data-field={field.id}>
            <FormFieldControl
              field={field}
              value={values[field.id]}
              error={problem === undefined ? undefined : problemToWords(problem, t)}
              disabled={isBusy}
              onChange={(value) => change(field.id, value)}
            />
          </div>
        );
      })}
      <div className={styles.actions}>
        <p className={styles.note} role="status">
          {problemCount > 0 && (
            <span className={styles.problem}>{t("form.check", { count: problemCount })}</span>
          )}
          {problemCount === 0 && isKept && t("form.draftKept")}
        </p>
        {payload.cancel_label !== undefined && (
          <Button variant="quiet" onClick={() => onAnswer(CANCEL_ACTION, {})} disabled={isBusy}>
            {payload.cancel_label}
          </Button>
        )}
        <Button type="submit" variant="primary" busy={isBusy}>
          {payload.submit_label ?? t("form.submit")}
        </Button>
      </div>
    </form>
  );
}

/** The first control of the first field that needs another look. */
function focusField(form: HTMLFormElement | null, id: string): void {
  const field = [...(form?.querySelectorAll<HTMLElement>("[data-field]") ?? [])].find(
    (element) => element.dataset["field"] === id,
  );
  field
    ?.querySelector<HTMLElement>("input, textarea, button, [role=radio], [role=checkbox]")
    ?.focus();
}

function Answered({ answer, fields }: { answer: AnswerView; fields: readonly FormField[] }) {
  const t = useText();
  return (
    <div className={styles.form}>
      {answer.actionId !== CANCEL_ACTION && (
        <dl className={styles.answers}>
          {fields.map((field) => (
            <div key={field.id} className={styles.answer}>
              <dt>
                <bdi>{field.label}</bdi>
              </dt>
              <dd dir="auto">
                <HiddenText text={valueToWords(answer.values[field.id], field.options ?? [], t)} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <AnswerLine answer={answer} />
    </div>
  );
}
