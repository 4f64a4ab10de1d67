/** Tasks of a plan as a form edits them: a title, and everything else untouched unless it is opened. Pure. */
import type { JsonView } from "#stores/views.ts";

export type Task = { readonly [name: string]: JsonView };

export type TaskDraft = {
  /** Stable while it is moved about; not the task's own id. */
  readonly key: string;
  readonly title: string;
  /** The other members as JSON text. */
  readonly more: string;
};

/** Where planners put what a person would call the task. */
const TITLES = ["title", "name", "objective"] as const;

const titleMember = (task: Task): string => TITLES.find((name) => name in task) ?? "title";

export const draftsOf = (tasks: readonly Task[]): readonly TaskDraft[] =>
  tasks.map((task, at) => {
    const { [titleMember(task)]: title = "", ...more } = task;
    return {
      key: String(at),
      title: typeof title === "string" ? title : JSON.stringify(title),
      more: JSON.stringify(more, null, 2),
    };
  });

/** The tasks of some drafts, or null where one is none. `before` says which member each title came from. */
export function tasksOf(
  drafts: readonly TaskDraft[],
  before: readonly Task[],
): readonly Task[] | null {
  const tasks: Task[] = [];
  for (const { key, title, more } of drafts) {
    const members = parse(more);
    if (!isTask(members)) return null;
    const origin = before[Number(key)];
    const name = origin === undefined ? "title" : titleMember(origin);
    // A task that never had a title does not get an empty one.
    const hasTitle = title !== "" || (origin !== undefined && name in origin);
    tasks.push(hasTitle ? inOrder(origin, { ...members, [name]: title }) : members);
  }
  return areTasks(tasks) ? tasks : null;
}

/** Tasks of JSON text; null when it is no list of objects that each have an id of their own. */
export function parseTasks(text: string): readonly Task[] | null {
  const value = parse(text);
  return Array.isArray(value) && value.every(isTask) && areTasks(value) ? value : null;
}

export const tasksToText = (tasks: readonly Task[]): string => JSON.stringify(tasks, null, 2);

/** Drafts with one more at the end, its id the next free number. */
export function withNewDraft(drafts: readonly TaskDraft[]): readonly TaskDraft[] {
  const ids = drafts.map(({ more }) => {
    const members = parse(more);
    return isTask(members) ? Number(members["id"]) : Number.NaN;
  });
  const id = Math.max(0, ...ids.filter(Number.isFinite)) + 1;
  return [...drafts, { key: `new-${id}`, title: "", more: JSON.stringify({ id }, null, 2) }];
}

/** Drafts with one moved by `step` places; the same list where it cannot go. */
export function withMoved(
  drafts: readonly TaskDraft[],
  at: number,
  step: -1 | 1,
): readonly TaskDraft[] {
  const moved = drafts[at];
  const other = drafts[at + step];
  if (moved === undefined || other === undefined) return drafts;
  return drafts.with(at, other).with(at + step, moved);
}

/** Members stand where the planner put them, so that a plan nobody changed goes back as it came. */
function inOrder(origin: Task | undefined, task: Task): Task {
  if (origin === undefined) return task;
  const names = [...Object.keys(origin), ...Object.keys(task)].filter((name) => name in task);
  return Object.fromEntries([...new Set(names)].map((name) => [name, task[name] ?? null]));
}

function parse(text: string): JsonView | undefined {
  try {
    return JSON.parse(text) as JsonView;
  } catch {
    return undefined;
  }
}

const isTask = (value: unknown): value is Task =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Ids are numbers or texts, and tell tasks apart. */
function areTasks(tasks: readonly Task[]): boolean {
  const ids = tasks.map(({ id }) => id);
  const areIds = ids.every((id) => typeof id === "number" || (typeof id === "string" && id !== ""));
  return areIds && new Set(ids.map(String)).size === ids.length;
}
