/** Why something from the wire was not understood. Facts only: no text a stranger chose is repeated. */
export type ProtocolFailure =
  | { readonly kind: "protocol/not-json" }
  | { readonly kind: "protocol/not-a-frame" }
  | { readonly kind: "protocol/unknown-frame" }
  | { readonly kind: "protocol/too-deep" }
  | { readonly kind: "protocol/forbidden-key" }
  | { readonly kind: "protocol/bad-text" }
  | { readonly kind: "protocol/bad-number" }
  /** `path` names members of our own schema, dotted; empty when the whole value has the wrong shape. */
  | { readonly kind: "protocol/bad-shape"; readonly path: string; readonly req?: string }
  | { readonly kind: "protocol/too-large"; readonly limit: number }
  | { readonly kind: "protocol/bad-payload"; readonly path: string }
  | { readonly kind: "protocol/bad-artifact"; readonly path: string }
  | { readonly kind: "protocol/revision-conflict"; readonly current_revision: number };
