/**
 * Cards of A2H 0.3, accepted on input only: `{ a2h: "0.3", subtype, blocks: [{ tag, key, … }] }`. What asks becomes a
 * form's field, what is pressed an action, the rest blocks in order. SPEC P232.
 */
import { Field } from "../artifact-field.ts";
import { MAX_BLOCKS } from "../blocks.ts";
import * as v from "valibot";

type Loose = Readonly<Record<string, unknown>>;

const isLoose = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isA2h = (value: unknown): value is Loose =>
  isLoose(value) && value["a2h"] === "0.3" && Array.isArray(value["blocks"]);

/** The artifact in today's spelling; anything else as it came. */
export function a2hToArtifact(artifact: unknown): unknown {
  if (!isLoose(artifact)) return artifact;
  const card = [artifact, artifact["payload"]].find(isA2h);
  if (card === undefined) return artifact;
  const { a2h: _version, blocks: _blocks, payload: _payload, ...rest } = artifact;
  const { subtype, payload } = cardOf((card["blocks"] as readonly unknown[]).filter(isLoose));
  return { ...rest, title: textOf(artifact["title"]), subtype, payload };
}

function cardOf(blocks: readonly Loose[]): { readonly subtype: string; readonly payload: Loose } {
  const fields: Loose[] = [];
  const actions: { readonly id: string; readonly label: string; readonly url?: string }[] = [];
  const shown: Loose[] = [];
  const keys = new Set<string>();
  for (const block of blocks) {
    const field = fieldOf(block);
    const action = block["tag"] === "action" ? actionOf(block) : null;
    if (field !== null && !keys.has(field.id)) {
      keys.add(field.id);
      fields.push(field);
    } else if (action !== null) actions.push(action);
    else shown.push(displayOf(block));
  }
  const blocksShown = shown.length === 0 ? {} : { blocks: shown.slice(0, MAX_BLOCKS) };
  if (fields.length === 0)
    return { subtype: "info", payload: { body: "", actions: actions.slice(0, 8), ...blocksShown } };
  const cancel = actions.find(({ id }) => id === "cancel")?.label;
  const submit = actions.find(({ id, url }) => id !== "cancel" && url === undefined)?.label;
  return {
    subtype: "form",
    payload: {
      fields: fields.slice(0, 40),
      ...(submit === undefined ? {} : { submit_label: submit }),
      ...(cancel === undefined ? {} : { cancel_label: cancel }),
      ...blocksShown,
    },
  };
}

const INPUTS: ReadonlySet<unknown> = new Set(["text", "textarea", "number", "date"]);

/** The field of a block that asks; null for every other, and for one whose key no answer could carry. */
function fieldOf(block: Loose): Field | null {
  const type = typeOfField(block);
  if (type === null) return null;
  const { key, label, required, placeholder, multiple, min, max } = block;
  const options = Array.isArray(block["options"]) ? block["options"].map(optionOf) : undefined;
  const field = v.safeParse(Field, {
    id: key,
    label: textOf(label) || textOf(key),
    type,
    required,
    placeholder,
    multiple,
    min,
    max,
    default: block["default"] ?? block["value"],
    options,
  });
  return field.success ? field.output : null;
}

function typeOfField({ tag, type, input_type }: Loose): Field["type"] | null {
  if (tag === "select" || tag === "checkbox") return tag;
  if (tag !== "input") return null;
  const kind = input_type ?? type ?? "text";
  return INPUTS.has(kind) ? (kind as Field["type"]) : null;
}

const optionOf = (option: unknown): Loose =>
  isLoose(option)
    ? { value: textOf(option["value"]), label: textOf(option["label"] ?? option["value"]) }
    : { value: textOf(option), label: textOf(option) };

const actionOf = ({ key, label, url }: Loose) => ({
  id: textOf(key).slice(0, 64) || "action",
  label: textOf(label) || textOf(key),
  ...(typeof url === "string" ? { url } : {}),
});

function displayOf(block: Loose): Loose {
  const words = textOf(block["text"] ?? block["content"] ?? block["value"] ?? block["label"]);
  switch (block["tag"]) {
    case "text":
      return { tag: "text", text: words };
    case "status":
      return { ...block, tag: "status", text: words };
    case "code":
      return { ...block, tag: "code", code: textOf(block["code"] ?? words) };
    case "table": {
      const lines = Array.isArray(block["rows"]) ? block["rows"] : [];
      const columns = Array.isArray(block["columns"]) ? block["columns"].map(headingOf) : [];
      return { tag: "table", columns, rows: lines.map(cellsOf) };
    }
    default:
      return block;
  }
}

const headingOf = (column: unknown): string =>
  isLoose(column) ? textOf(column["label"] ?? column["key"]) : textOf(column);

const cellsOf = (row: unknown): readonly string[] => (Array.isArray(row) ? row.map(textOf) : []);

const textOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
