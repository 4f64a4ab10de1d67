import { useRef, useState } from "react";
import type { ConversationView, GroupView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { TextArea, TextField } from "#ui/kit/Field.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useAttempt } from "#ui/screens/shell/use-attempt.ts";
import { failureWords } from "#ui/text/failures.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./DetailsPanel.module.css";
import { faceOfFile } from "./face-of-file.ts";

type GroupProps = { view: ConversationView; group: GroupView };

/** What a group says of itself. Its picture comes when somebody asks for it. */
export function GroupAbout({ view, group }: GroupProps) {
  const t = useText();
  const { files } = useStores();
  const { picture, description } = group;
  const shown = useStore("files", ({ pictureById }) => pictureById[picture?.attachmentId ?? ""]);
  const isAway = picture !== null && !picture.isHere && shown?.status !== "shown";
  if (description === "" && !isAway) return null;
  const show = (): void => {
    if (picture !== null) void files.getState().show({ conversationId: view.id, ...picture });
  };
  return (
    <div className={styles.about}>
      {description !== "" && (
        <p className={styles.description} dir="auto">
          {description}
        </p>
      )}
      {isAway && (
        <div>
          <Button
            size="small"
            icon="image"
            busy={shown?.status === "loading"}
            disabled={shown?.status === "no-picture"}
            onClick={show}
          >
            {shown?.status === "no-picture" ? t("files.noPicture") : t("details.showPicture")}
          </Button>
        </div>
      )}
      {shown?.status === "failed" && (
        <p className={styles.quiet} role="alert">
          {t(failureWords(shown.failure.kind).title)}
        </p>
      )}
    </div>
  );
}

/** Name, description and picture, for who leads the group. */
export function GroupProfile({ view, group }: GroupProps) {
  const t = useText();
  const { calls } = useStores();
  const [title, setTitle] = useState(view.title);
  const [description, setDescription] = useState(group.description);
  const { isBusy, failure, run } = useAttempt();
  const conversationId = view.id;
  const isChanged =
    title.trim() !== "" &&
    (title.trim() !== view.title || description.trim() !== group.description);
  return (
    <section className={styles.group} aria-label={t("details.profile")}>
      <h3 className={styles.label}>{t("details.profile")}</h3>
      <PictureChoice conversationId={conversationId} hasPicture={group.picture !== null} />
      <form
        className={styles.profile}
        onSubmit={(event) => {
          event.preventDefault();
          if (isChanged && !isBusy)
            void run(() => calls.setGroupProfile({ conversationId, title, description }));
        }}
      >
        <TextField
          label={t("new.groupTitle")}
          value={title}
          onChange={setTitle}
          maxLength={200}
          dir="auto"
        />
        <TextArea
          label={t("details.description")}
          help={t("details.profileHelp")}
          optional
          value={description}
          onChange={setDescription}
          maxLength={1_000}
          rows={2}
          dir="auto"
        />
        <FailureNote failure={failure} />
        <div>
          <Button type="submit" busy={isBusy} disabled={!isChanged}>
            {t("settings.save")}
          </Button>
        </div>
      </form>
    </section>
  );
}

type PictureChoiceProps = { conversationId: ConversationView["id"]; hasPicture: boolean };

function PictureChoice({ conversationId, hasPicture }: PictureChoiceProps) {
  const t = useText();
  const { calls } = useStores();
  const input = useRef<HTMLInputElement>(null);
  const { isBusy, failure, run } = useAttempt();
  const set = (picture: Blob | null): Promise<boolean> =>
    run(() => calls.setGroupProfile({ conversationId, picture }));
  const choose = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    // What cannot be drawn here goes as it is, and the worker says that it is no picture.
    await set((await faceOfFile(file)) ?? file);
  };
  return (
    <>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label={t("details.choosePicture")}
        onChange={(event) => {
          void choose(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      <div className={styles.row}>
        <Button size="small" icon="image" busy={isBusy} onClick={() => input.current?.click()}>
          {t("details.choosePicture")}
        </Button>
        {hasPicture && (
          <Button size="small" variant="dangerQuiet" onClick={() => void set(null)}>
            {t("details.removePicture")}
          </Button>
        )}
      </div>
      <FailureNote failure={failure} />
    </>
  );
}
