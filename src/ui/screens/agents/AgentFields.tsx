import type { AgentMode, NewAgentInput, OwnAgentView } from "#stores/views.ts";
import { MAX_DISPLAY_NAME_CHARACTERS } from "#stores/limits.ts";
import { RadioField } from "#ui/kit/Choices.tsx";
import { TextArea, TextField } from "#ui/kit/Field.tsx";
import { useText } from "#ui/text/text.tsx";

/** What is typed about an agent; suggestions stand one to a line. */
export type AgentDraft = {
  readonly name: string;
  readonly description: string;
  readonly suggestions: string;
  readonly mode: AgentMode;
  readonly webhookUrl: string;
  readonly healthCheckUrl: string;
};

export const EMPTY_AGENT: AgentDraft = {
  name: "",
  description: "",
  suggestions: "",
  mode: "websocket",
  webhookUrl: "",
  healthCheckUrl: "",
};

export const draftOf = (agent: OwnAgentView): AgentDraft => ({
  name: agent.name,
  description: agent.description,
  suggestions: agent.suggestions.join("\n"),
  mode: agent.mode,
  webhookUrl: agent.webhookUrl ?? "",
  healthCheckUrl: agent.healthCheckUrl ?? "",
});

/** Whether it can be sent: it has a name, and an address where it is to be called. */
export const isComplete = ({ name, mode, webhookUrl }: AgentDraft): boolean =>
  name.trim() !== "" && (mode !== "webhook" || webhookUrl.trim() !== "");

export const inputOf = (draft: AgentDraft): NewAgentInput => ({
  name: draft.name,
  description: draft.description,
  suggestions: draft.suggestions.split("\n"),
  mode: draft.mode,
  webhookUrl: draft.mode === "webhook" ? draft.webhookUrl.trim() : null,
});

const MODES: readonly AgentMode[] = ["websocket", "webhook", "polling"];

type AgentFieldsProps = {
  draft: AgentDraft;
  onChange: (draft: AgentDraft) => void;
  /** Also what only an agent that exists has. */
  isMade: boolean;
};

/** Who the agent is, what to ask it first, and how it comes to its messages. */
export function AgentFields({ draft, onChange, isMade }: AgentFieldsProps) {
  const t = useText();
  const set = (part: Partial<AgentDraft>): void => onChange({ ...draft, ...part });
  return (
    <>
      <TextField
        label={t("agents.name")}
        value={draft.name}
        onChange={(name) => set({ name })}
        maxLength={MAX_DISPLAY_NAME_CHARACTERS}
        autoComplete="off"
        dir="auto"
        required
      />
      <TextArea
        label={t("agents.description")}
        help={t("agents.descriptionHelp")}
        optional
        value={draft.description}
        onChange={(description) => set({ description })}
        dir="auto"
        rows={2}
      />
      <TextArea
        label={t("agents.suggestions")}
        help={t("agents.suggestionsHelp")}
        optional
        value={draft.suggestions}
        onChange={(suggestions) => set({ suggestions })}
        dir="auto"
        rows={3}
      />
      <RadioField
        label={t("agents.mode")}
        help={t(`agents.mode.${draft.mode}Help`)}
        value={draft.mode}
        options={MODES.map((value) => ({ value, label: t(`agents.mode.${value}`) }))}
        onChange={(mode) => set({ mode })}
      />
      {draft.mode === "webhook" && (
        <TextField
          label={t("agents.webhookUrl")}
          help={t("agents.webhookUrlHelp")}
          type="url"
          inputMode="url"
          value={draft.webhookUrl}
          onChange={(webhookUrl) => set({ webhookUrl })}
          placeholder="https://"
          autoComplete="off"
          spellCheck={false}
          required
        />
      )}
      {isMade && draft.mode === "webhook" && (
        <TextField
          label={t("agents.healthUrl")}
          help={t("agents.healthUrlHelp")}
          optional
          type="url"
          inputMode="url"
          value={draft.healthCheckUrl}
          onChange={(healthCheckUrl) => set({ healthCheckUrl })}
          placeholder="https://"
          autoComplete="off"
          spellCheck={false}
        />
      )}
    </>
  );
}
