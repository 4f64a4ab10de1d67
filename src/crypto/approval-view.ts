/**
 * What a person sees of a request before deciding: one pure function for client and SDK, so that what was
 * drawn can be made again and compared. The card draws this list and nothing else. SPEC C36.
 *
 * No platform tables are asked (character classes, time zones, locales): another engine or Unicode version
 * must give the same list.
 */
import canonicalize from "canonicalize";

import { visibleLine, visibleText } from "./visible-text.ts";
import type { ApprovalCard } from "#protocol/artifact.ts";

/** Changes whenever the same request would be drawn with other words or in another order. */
export const APPROVAL_VIEW_VERSION = 1;

/** Languages that a view can be drawn in. */
export const APPROVAL_LOCALES = ["en", "zh-Hans"] as const;
export type ApprovalLocale = (typeof APPROVAL_LOCALES)[number];

/** One row as drawn: plain text, hidden characters written out; `warning` is empty or a sentence. */
export type ApprovalRow = {
  readonly label: string;
  readonly value: string;
  readonly warning: string;
};

/** The closest language a view exists in: any Chinese is `zh-Hans`, everything else `en`. */
export const approvalLocale = (tag: string): ApprovalLocale =>
  /^zh(-|$)/i.test(tag) ? "zh-Hans" : "en";

/** The rows of a request, in the order in which they are drawn. Nothing is cut. */
export function approvalView(card: ApprovalCard, locale: ApprovalLocale): readonly ApprovalRow[] {
  const words = WORDS[locale];
  // Our words stand before those of the agent, so that no row of its own passes for one of ours.
  const row = (ours: string, theirs: string, value: string, warning = ""): ApprovalRow => {
    const name = visibleLine(theirs);
    const shown = visibleText(value);
    const warnings = [warning, name.isChanged || shown.isChanged ? words.hidden : ""];
    return {
      label: name.text === "" ? ours : `${ours}: ${name.text}`,
      value: shown.text,
      warning: warnings.filter((sentence) => sentence !== "").join(" "),
    };
  };

  return [
    row(words.action, "", card.action),
    row(words.summary, "", card.summary),
    row(words.risk, "", words.risks[card.risk], words.riskWarnings[card.risk]),
    ...card.details.map((detail) =>
      row(detailLabel(words, detail.kind, detail.lang), detail.label, detail.value),
    ),
    ...requestRows(card.request).map(({ name, value }) => row(words.request, name, value)),
    ...(card.editable ?? []).map((name) => row(words.editable, "", name)),
    ...card.options.map((option) =>
      row(
        option.decision === "approve" ? words.optionApproves : words.optionDenies,
        "",
        option.label,
        option.requires_reason === true ? words.needsReason : "",
      ),
    ),
    ...(card.quorum === undefined ? [] : [row(words.quorum, "", String(card.quorum.required))]),
    row(words.expires, "", utcText(card.expires_at)),
    row(words.digest, "", card.digest),
  ];
}

const detailLabel = (words: Words, kind: string, lang: string | undefined): string =>
  // Only a plain name of a language may stand among our own words.
  lang !== undefined && /^[A-Za-z0-9+#.-]+$/.test(lang)
    ? `${words.detail} (${kind}, ${lang})`
    : `${words.detail} (${kind})`;

/** The request itself, member by member, as canonical JSON: text stands in quotes, so `1` is not `"1"`. */
function requestRows(
  request: unknown,
): readonly { readonly name: string; readonly value: string }[] {
  if (typeof request !== "object" || request === null || Array.isArray(request)) {
    return [{ name: "", value: jsonText(request) }];
  }
  return Object.entries(request)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({
      name: name === "" ? '""' : name,
      value: canonicalize(value) ?? "",
    }));
}

function jsonText(value: unknown): string {
  try {
    return canonicalize(value) ?? "";
  } catch {
    // Not well-formed text: it is shown escaped, and its digest will not hold.
    return JSON.stringify(value);
  }
}

/** `2026-03-01 12:00:00 UTC`; a time that is none is shown as it came. */
function utcText(timestamp: string): string {
  const time = Date.parse(timestamp);
  if (Number.isNaN(time)) return timestamp;
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

type Words = Readonly<
  Record<
    | "action"
    | "summary"
    | "risk"
    | "detail"
    | "request"
    | "editable"
    | "optionApproves"
    | "optionDenies"
    | "needsReason"
    | "quorum"
    | "expires"
    | "digest"
    | "hidden",
    string
  > & {
    readonly risks: Readonly<Record<ApprovalCard["risk"], string>>;
    readonly riskWarnings: Readonly<Record<ApprovalCard["risk"], string>>;
  }
>;

const WORDS: Readonly<Record<ApprovalLocale, Words>> = {
  en: {
    action: "Action",
    summary: "Summary",
    risk: "Risk",
    detail: "Detail",
    request: "Request",
    editable: "You may change",
    optionApproves: "Choice that approves",
    optionDenies: "Choice that denies",
    needsReason: "Asks for a reason.",
    quorum: "Approvals needed",
    expires: "Expires",
    digest: "Digest",
    hidden: "Contains hidden characters, written out here.",
    risks: { low: "Low", medium: "Medium", high: "High", critical: "Critical" },
    riskWarnings: {
      low: "",
      medium: "",
      high: "This can do lasting damage.",
      critical: "This can do damage that cannot be undone.",
    },
  },
  "zh-Hans": {
    action: "操作",
    summary: "摘要",
    risk: "风险",
    detail: "详情",
    request: "请求",
    editable: "可修改",
    optionApproves: "表示批准的选项",
    optionDenies: "表示拒绝的选项",
    needsReason: "需要填写理由。",
    quorum: "所需批准人数",
    expires: "有效期至",
    digest: "摘要值",
    hidden: "含有隐藏字符，已在此写出。",
    risks: { low: "低", medium: "中", high: "高", critical: "极高" },
    riskWarnings: {
      low: "",
      medium: "",
      high: "可能造成长期损害。",
      critical: "可能造成无法挽回的损害。",
    },
  },
};
