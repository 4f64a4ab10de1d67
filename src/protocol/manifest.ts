/**
 * What an agent says it can do and what it wants to be allowed. The relay stores and versions it; the hash in the
 * agent's signed card is what clients believe. SPEC P229.
 */
import * as v from "valibot";
import { MAX_MANIFEST_BYTES } from "./limits.ts";

/** From harmless to what a person decides each time. */
export const SENSITIVITIES = ["low", "medium", "high"] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

/** What one could ask first: short lines, most useful first. */
export const MAX_SUGGESTIONS = 6;
export const MAX_SUGGESTION_CHARACTERS = 120;

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
const key = v.pipe(v.string(), v.maxLength(200));
/** `<domain>:<action>`. */
const scopeId = v.pipe(v.string(), v.maxLength(128), v.regex(/^[\w.-]+:[\w.-]+$/));

const isUniqueBy =
  <Item>(keyOf: (item: Item) => string) =>
  (items: Item[]): boolean =>
    new Set(items.map(keyOf)).size === items.length;

export const CapabilityManifest = v.pipe(
  v.object({
    schema_version: v.literal("1.0"),
    agent_version: name,
    tools: v.pipe(
      v.array(
        v.object({
          name,
          description_i18n_key: key,
          input_schema: v.record(v.string(), v.unknown()),
          permission_scope: scopeId,
          required: v.exactOptional(v.boolean()),
          timeout_ms: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
        }),
      ),
      v.maxLength(100),
      v.check(isUniqueBy((tool) => tool.name)),
    ),
    permission_scopes: v.pipe(
      v.array(
        v.object({
          id: scopeId,
          label_i18n_key: key,
          description_i18n_key: v.exactOptional(key),
          sensitivity: v.picklist(SENSITIVITIES),
        }),
      ),
      v.maxLength(100),
      v.check(isUniqueBy((scope) => scope.id)),
    ),
    suggestions: v.exactOptional(
      v.pipe(
        v.array(v.pipe(v.string(), v.maxLength(MAX_SUGGESTION_CHARACTERS))),
        v.maxLength(MAX_SUGGESTIONS),
      ),
    ),
    capability_flags: v.exactOptional(
      v.object({
        supports_streaming: v.exactOptional(v.boolean()),
        supports_artifacts: v.exactOptional(v.boolean()),
        supports_voice: v.exactOptional(v.boolean()),
        supports_group_chat: v.exactOptional(v.boolean()),
      }),
    ),
  }),
  // A tool nobody could be asked about would run unasked.
  v.check(({ tools, permission_scopes }) => {
    const scopes = new Set(permission_scopes.map(({ id }) => id));
    return tools.every((tool) => scopes.has(tool.permission_scope));
  }),
  v.check((manifest) => JSON.stringify(manifest).length <= MAX_MANIFEST_BYTES),
);
export type CapabilityManifest = v.InferOutput<typeof CapabilityManifest>;

/**
 * Whether going from one manifest to the next asks more of people: another scope, a higher sensitivity, another tool
 * that is required. Before the first manifest nothing was asked.
 */
export function isBreakingChange(
  before: CapabilityManifest | null,
  after: CapabilityManifest,
): boolean {
  const rankBefore = new Map(
    before?.permission_scopes.map(({ id, sensitivity }) => [
      id,
      SENSITIVITIES.indexOf(sensitivity),
    ]),
  );
  const asksMore = after.permission_scopes.some(
    ({ id, sensitivity }) => SENSITIVITIES.indexOf(sensitivity) > (rankBefore.get(id) ?? -1),
  );
  const requiredBefore = new Set(
    before?.tools.filter(({ required }) => required === true).map((tool) => tool.name),
  );
  return (
    asksMore || after.tools.some((tool) => tool.required === true && !requiredBefore.has(tool.name))
  );
}
