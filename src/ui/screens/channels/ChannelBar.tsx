import { useState } from "react";
import type { ChannelHeadView, ConversationView } from "#stores/views.ts";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Icon } from "#ui/kit/Icon.tsx";
import { IconButton } from "#ui/kit/IconButton.tsx";
import { Menu, MenuItem } from "#ui/kit/Menu.tsx";
import { TurnNote } from "#ui/parts/turn/TurnNote.tsx";
import { useChannel } from "#ui/parts/turn/use-channel.ts";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import { SolveTasks } from "./SolveTasks.tsx";
import styles from "./ChannelBar.module.css";

/** The newest of what was said outside any turn. */
const SHOWN_NOTES = 2;

/** Above a conversation with a plain agent: that it is not sealed, how the line is, and what can be done about it. */
export function ChannelBar({ view }: { view: ConversationView }) {
  return view.channel === null ? null : <Bar view={view} head={view.channel} />;
}

function Bar({ view, head }: { view: ConversationView; head: ChannelHeadView }) {
  const t = useText();
  const command = useChannel(view.id);
  const { status } = head.status;
  const isDown = status === "waiting" || status === "refused";
  return (
    <section className={styles.bar} aria-label={t("channel.badge")}>
      <span className={styles.badge} title={t("channel.badgeHelp")}>
        <Icon name="lock-open" />
        {t("channel.badge")}
      </span>
      <span className={styles.quiet} role="status">
        <Status head={head} />
      </span>
      {head.isReadableOnTheWay && <span className={styles.quiet}>{t("add.readable")}</span>}
      <span className={styles.end}>
        {isDown && (
          <Button size="small" icon="retry" onClick={() => void command({ type: "try-again" })}>
            {t("channel.tryAgain")}
          </Button>
        )}
        <Actions view={view} head={head} />
      </span>
      {head.notes.length > 0 && (
        <div className={styles.notes}>
          {head.notes.slice(-SHOWN_NOTES).map((note) => (
            <TurnNote key={`${note.at}/${note.note.kind}`} note={note.note} />
          ))}
        </div>
      )}
    </section>
  );
}

/** What the agent can be asked beside a question; nothing where it can nothing more. */
function Actions({ view: { id }, head }: { view: ConversationView; head: ChannelHeadView }) {
  const t = useText();
  const command = useChannel(id);
  const [isSolving, setIsSolving] = useState(false);
  const canSolve = head.capabilities.includes("solve-tasks");
  const canRenew = head.capabilities.includes("new-session");
  if (!canSolve && !canRenew) return null;
  return (
    <>
      <Menu trigger={<IconButton icon="more" size="small" label={t("channel.actions")} />}>
        {canSolve && (
          <MenuItem icon="form" onSelect={() => setIsSolving(true)}>
            {t("channel.solve")}
          </MenuItem>
        )}
        {canRenew && (
          <MenuItem icon="plus" onSelect={() => void command({ type: "new-session" })}>
            {t("channel.newSession")}
          </MenuItem>
        )}
      </Menu>
      <SolveTasks conversationId={id} open={isSolving} onOpenChange={setIsSolving} />
    </>
  );
}

function Status({ head: { status, agentName, model } }: { head: ChannelHeadView }) {
  const t = useText();
  const { clock } = useStores();
  const formats = useFormats();
  const name = [agentName, model].find((one) => one !== "");
  const words =
    status.status === "waiting"
      ? t("channel.status.waiting", { time: formats.relative(status.retryAt, clock.now()) })
      : t(`channel.status.${status.status}`);
  return (
    <>
      {words}
      {name !== undefined && (
        <>
          {" · "}
          <bdi>{name}</bdi>
        </>
      )}
    </>
  );
}
