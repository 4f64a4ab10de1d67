/** Words that stand nowhere by chance; whoever finds one outside the ends of a conversation has found a leak. */
export const CANARIES = {
  question: "canary-question-7f3a where is the harbour key",
  answer: "canary-answer-91bc under the third stone 港口的钥匙",
  delta: "canary-delta-55d0 piece of a stream",
  agentRegret: "canary-agent-regret-77c2 never said",
  fileName: "canary-file-name-3e90.txt",
  fileText: "canary-file-text-aa17 contents of the file",
  formTitle: "canary-form-title-20aa quarterly numbers",
  formLabel: "canary-form-label-6b3d how many guests",
  formField: "canary-form-field-c4e1 my answer to your form",
  approvalTitle: "canary-approval-title-0d44 publish it",
  approvalSummary: "canary-approval-summary-b8f6 makes it visible",
  approvalRequest: "canary-approval-request-51e9",
  farewell: "canary-farewell-e2c8 all heard",
  profile: "canary-profile-8e77 name of the group",
  regret: "canary-regret-03f9 taken back again",
} as const;
