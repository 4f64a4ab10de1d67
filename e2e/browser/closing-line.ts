import type { FullResult, Reporter, TestCase, TestResult } from "playwright/types/testReporter";

/** Prints one closing line for the whole run, in the words any reader of a log looks for. */
export default class ClosingLine implements Reporter {
  readonly #outcomeById = new Map<string, string>();

  onTestEnd(test: TestCase, _result: TestResult): void {
    this.#outcomeById.set(test.id, test.outcome());
  }

  onEnd(_result: FullResult): void {
    const outcomes = [...this.#outcomeById.values()];
    const passed = outcomes.filter((outcome) => outcome === "expected").length;
    const skipped = outcomes.filter((outcome) => outcome === "skipped").length;
    console.log(`playwright: ${passed} passed, ${outcomes.length - passed - skipped} failed`);
  }
}
