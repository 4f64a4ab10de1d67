import { useEffect, useState } from "react";
import type { ActivityView, ConversationView } from "#stores/views.ts";
import { useStore, useStores } from "#ui/StoresContext.tsx";
import { Switch } from "#ui/kit/Choices.tsx";
import { HiddenText } from "#ui/markdown/HiddenText.tsx";
import { FailureNote } from "#ui/screens/shell/FailureNote.tsx";
import { useFormats } from "#ui/text/format.ts";
import { useText } from "#ui/text/text.tsx";
import styles from "./ActivityPanel.module.css";

type Run = ActivityView["runs"][number];

/** The latest runs; older ones are there, and too many to look at. */
const SHOWN_RUNS = 10;

/** What a TPCLAW server reports of its agent, whoever asked it. Nothing is opened before a person wants it. */
export function ActivityPanel({ view }: { view: ConversationView }) {
  const t = useText();
  const [isOn, setIsOn] = useState(false);
  const hasFeed = view.channel?.protocol.startsWith("tpclaw") === true;
  if (!hasFeed) return null;
  return (
    <section className={styles.panel} aria-label={t("activity.title")}>
      <Switch
        label={t("activity.title")}
        help={t("activity.help")}
        checked={isOn}
        onChange={setIsOn}
      />
      {isOn && <Runs view={view} />}
    </section>
  );
}

function Runs({ view: { id } }: { view: ConversationView }) {
  const t = useText();
  const { activity } = useStores();
  const shown = useStore("activity", ({ byId }) => byId[id]);
  const failure = useStore("activity", (state) => state.failure);
  useEffect(() => {
    void activity.getState().watch(id);
    return () => activity.getState().unwatch(id);
  }, [activity, id]);
  const runs = shown?.runs.slice(-SHOWN_RUNS).toReversed() ?? [];
  return (
    <>
      <FailureNote failure={failure} />
      <p className={styles.quiet} role="status">
        {t(shown?.status.status === "online" ? "activity.live" : "activity.connecting")}
      </p>
      <ol className={styles.runs}>
        {runs.map((run) => (
          <RunRow key={`${run.runKey}/${run.startedAt}`} run={run} />
        ))}
      </ol>
    </>
  );
}

function RunRow({ run }: { run: Run }) {
  const t = useText();
  const { time } = useFormats();
  return (
    <li className={styles.run}>
      <p className={styles.quiet}>
        {time(run.startedAt)} · {t(`activity.outcome.${run.outcome}`)}
        {run.progress !== null &&
          ` · ${[`${Math.round(run.progress.percent)} %`, run.progress.text].filter((part) => part !== "").join(" · ")}`}
      </p>
      {run.question !== "" && (
        <p className={styles.title}>
          <HiddenText text={run.question} />
        </p>
      )}
      {run.tools.length > 0 && (
        <ul className={styles.tools}>
          {run.tools.map((tool, at) => (
            <li key={tool.callId ?? String(at)}>
              <HiddenText text={tool.name} /> · {t(`activity.tool.${tool.status}`)}
            </li>
          ))}
        </ul>
      )}
      {run.text !== "" && (
        <p dir="auto">
          <HiddenText text={run.text} />
        </p>
      )}
      {run.error !== "" && (
        <p className={styles.failed} dir="auto">
          <HiddenText text={run.error} />
        </p>
      )}
    </li>
  );
}
