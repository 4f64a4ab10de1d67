import { useEffect, useState } from "react";
import type {
  AddressView,
  BridgeFailure,
  ConversationId,
  PlainAgentInput,
  PlainProtocol,
} from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Switch } from "#ui/kit/Choices.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { PasswordField } from "#ui/kit/PasswordField.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { Select } from "#ui/kit/Select.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./AddByAddress.module.css";

type AddByAddressProps = { onAdded: (id: ConversationId) => void; onBack: () => void };

const PROTOCOLS: readonly PlainProtocol[] = ["myagent", "chat", "tpclaw-chat", "tpclaw-socket"];

const EXAMPLE: Readonly<Record<PlainProtocol, string>> = {
  myagent: "ws://localhost:8080",
  chat: "http://localhost:11434",
  "tpclaw-chat": "http://localhost:9527",
  "tpclaw-socket": "ws://localhost:9527/api/v1/ws",
};

/** The form that adds an agent server; what its address means is said while it is typed. */
export function AddByAddress({ onAdded, onBack }: AddByAddressProps) {
  const t = useText();
  const { calls } = useStores();
  const [input, setInput] = useState<PlainAgentInput>({
    protocol: "myagent",
    url: EXAMPLE.myagent,
    name: "",
    model: null,
    apiKey: null,
    remembers: "client",
  });
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const address = useAddress(input);
  const { protocol } = input;
  const put = (part: Partial<PlainAgentInput>): void => {
    setFailure(null);
    setInput({ ...input, ...part });
  };
  const submit = async (): Promise<void> => {
    setIsBusy(true);
    const added = await calls.addAgentByAddress(input);
    setIsBusy(false);
    if (added.ok) onAdded(added.value);
    else setFailure(added.failure);
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Select
        label={t("add.protocol")}
        value={protocol}
        options={PROTOCOLS.map((value) => ({ value, label: t(`add.protocol.${value}`) }))}
        onChange={(next) => {
          const isExample = input.url === "" || input.url === EXAMPLE[protocol];
          put({ protocol: next, model: null, ...(isExample ? { url: EXAMPLE[next] } : {}) });
        }}
      />
      <TextField
        label={t("add.url")}
        value={input.url}
        onChange={(url) => put({ url })}
        inputMode="url"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
      <TextField
        label={t("add.name")}
        optional
        value={input.name}
        onChange={(name) => put({ name })}
      />
      {protocol !== "myagent" && <ModelField input={input} onChange={(model) => put({ model })} />}
      {protocol !== "myagent" && (
        <PasswordField
          label={t("add.key")}
          help={t("add.keyHelp")}
          optional
          autoComplete="off"
          value={input.apiKey ?? ""}
          onChange={(key) => put({ apiKey: key === "" ? null : key })}
        />
      )}
      {protocol === "tpclaw-chat" && (
        <Switch
          label={t("add.serverRemembers")}
          help={t("add.serverRemembersHelp")}
          checked={input.remembers === "server"}
          onChange={(isServer) => put({ remembers: isServer ? "server" : "client" })}
        />
      )}
      <Notes protocol={protocol} address={address} />
      <FailureNote failure={failure} />
      <div className={styles.actions}>
        <Button onClick={onBack}>{t("general.back")}</Button>
        <Button
          type="submit"
          variant="primary"
          busy={isBusy}
          disabled={input.url.trim() === "" || (protocol === "chat" && input.model === null)}
        >
          {t("add.submit")}
        </Button>
      </div>
    </form>
  );
}

type ModelFieldProps = { input: PlainAgentInput; onChange: (model: string | null) => void };

/** The model's name; where the server has a list, one of it. */
function ModelField({ input, onChange }: ModelFieldProps) {
  const t = useText();
  const { calls } = useStores();
  const [models, setModels] = useState<readonly string[] | null>(null);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const isChat = input.protocol === "chat" || input.protocol === "tpclaw-chat";
  const ask = async (): Promise<void> => {
    const { protocol, url, apiKey } = input;
    const listed = await calls.listAgentModels({ protocol, url, apiKey });
    setFailure(listed.ok ? null : listed.failure);
    setModels(listed.ok ? listed.value : null);
    if (listed.ok && input.model === null) onChange(listed.value[0] ?? null);
  };
  const label = input.protocol === "chat" ? t("add.model") : t("add.agentId");
  return (
    <>
      {models !== null && models.length > 0 ? (
        <Select
          label={label}
          value={input.model}
          options={models.map((value) => ({ value, label: value }))}
          onChange={onChange}
        />
      ) : (
        <TextField
          label={label}
          help={models?.length === 0 ? t("add.noModels") : null}
          value={input.model ?? ""}
          placeholder={input.protocol === "chat" ? "" : "main"}
          onChange={(model) => onChange(model === "" ? null : model)}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      )}
      <FailureNote failure={failure} />
      {isChat && (
        <div>
          <Button size="small" onClick={() => void ask()}>
            {t("add.askModels")}
          </Button>
        </div>
      )}
    </>
  );
}

function Notes({ protocol, address }: { protocol: PlainProtocol; address: AddressView | null }) {
  const t = useText();
  const notes = [
    t("channel.badgeHelp"),
    address?.isReadableOnTheWay === true ? t("add.readable") : null,
    address?.isPrivateNetwork === true && !address.isLoopback ? t("add.private") : null,
    protocol === "tpclaw-chat" ? t("add.toolsUnasked") : null,
    protocol === "tpclaw-socket" ? t("add.noKnownServer") : null,
  ].filter((note) => note !== null);
  return (
    <ul className={styles.notes}>
      {notes.map((note) => (
        <li key={note}>
          <Icon name="info" />
          {note}
        </li>
      ))}
    </ul>
  );
}

/** What the typed address means; null while it means nothing. */
function useAddress({ protocol, url }: PlainAgentInput): AddressView | null {
  const { calls } = useStores();
  const [address, setAddress] = useState<AddressView | null>(null);
  useEffect(() => {
    let isWanted = true;
    void calls.checkAgentAddress({ protocol, url }).then((checked) => {
      if (isWanted) setAddress(checked.ok ? checked.value : null);
    });
    return () => {
      isWanted = false;
    };
  }, [calls, protocol, url]);
  return address;
}
