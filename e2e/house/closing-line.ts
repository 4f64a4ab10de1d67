import type { Reporter, TestModule } from "vitest/node";

/** Prints one closing line for the whole run, in the words any reader of a log looks for. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    for (const module of modules) {
      if (!module.ok() && [...module.children.allTests("failed")].length === 0) failed += 1;
      for (const test of module.children.allTests()) {
        if (test.result().state === "passed") passed += 1;
        if (test.result().state === "failed") failed += 1;
      }
    }
    console.log(`vitest: ${passed} passed, ${failed} failed`);
  }
}
