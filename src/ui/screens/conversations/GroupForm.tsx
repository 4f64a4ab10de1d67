import { useState } from "react";
import { selectPeople } from "#stores/conversations-store.ts";
import { MAX_TITLE_CHARACTERS } from "#stores/limits.ts";
import type { AccountId, BridgeFailure } from "#stores/views.ts";
import { useRouter, useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { CheckboxGroup } from "#ui/kit/Choices.tsx";
import { TextField } from "#ui/kit/Field.tsx";
import { threadRoute } from "#ui/routes.ts";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useText } from "#ui/text/text.tsx";
import styles from "./GroupForm.module.css";

/** A name and who is in it. */
export function GroupForm({ onCreated, onBack }: { onCreated: () => void; onBack: () => void }) {
  const t = useText();
  const router = useRouter();
  const { contacts } = useStores();
  const byId = useStore("conversations", (state) => state.byId);
  const people = selectPeople({ byId }).filter(
    ({ conversation }) => conversation.relation === "established",
  );
  const [title, setTitle] = useState("");
  const [memberIds, setMemberIds] = useState<readonly AccountId[]>([]);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<BridgeFailure | null>(null);
  const create = async (): Promise<void> => {
    setIsBusy(true);
    const answer = await contacts.getState().createGroup(title.trim(), memberIds);
    setIsBusy(false);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    onCreated();
    router.go(threadRoute(answer.value));
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void create();
      }}
    >
      <TextField
        label={t("new.groupTitle")}
        value={title}
        onChange={setTitle}
        maxLength={MAX_TITLE_CHARACTERS}
        dir="auto"
        required
      />
      {people.length === 0 ? (
        <p className={styles.nobody}>{t("new.groupNobody")}</p>
      ) : (
        <CheckboxGroup
          label={t("new.groupMembers")}
          value={memberIds}
          options={people.map(({ id, name }) => ({ value: id, label: name }))}
          onChange={(ids) =>
            setMemberIds(people.map(({ id }) => id).filter((id) => ids.includes(id)))
          }
        />
      )}
      <FailureNote failure={failure} />
      <div className={styles.actions}>
        <Button variant="quiet" onClick={onBack}>
          {t("general.back")}
        </Button>
        <Button
          type="submit"
          variant="primary"
          busy={isBusy}
          disabled={title.trim() === "" || memberIds.length === 0}
        >
          {t("new.groupCreate")}
        </Button>
      </div>
    </form>
  );
}
