import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { HasheeError } from "../agent-error.ts";
import { createErrorBoard } from "./error-board.ts";

function setupBoard() {
  const clock = createFakeClock();
  const printed: string[] = [];
  return { clock, printed, board: createErrorBoard(clock, (line) => printed.push(line)) };
}
const refused = new HasheeError("UNAUTHENTICATED", { fatal: true });

describe("errors nobody can retry", () => {
  test("[K4] wait for the first error handler", async () => {
    const { clock, printed, board } = setupBoard();
    board.tell(refused);
    const heard: HasheeError[] = [];
    board.add((error) => heard.push(error));
    await clock.advance(5_000);

    expect(heard).toEqual([refused]);
    expect(printed).toEqual([]);
  });

  test("[K4] become one line on stderr after a second without a handler", async () => {
    const { clock, printed, board } = setupBoard();
    board.tell(refused);
    await clock.advance(999);
    expect(printed).toEqual([]);
    await clock.advance(1);

    expect(printed).toEqual([
      expect.stringContaining(
        "[hashee] UNAUTHENTICATED: The relay does not accept the agent's token",
      ),
    ]);
  });

  test("[K4] each wait a second of their own, whatever was waited for before", async () => {
    const { clock, printed, board } = setupBoard();
    board.tell(refused);
    await clock.advance(500);
    board.add(() => {})();
    board.tell(refused);
    await clock.advance(999);
    expect(printed).toEqual([]);
    await clock.advance(1);

    expect(printed).toHaveLength(1);
  });

  test("[K4] reach every handler, and a failing handler stops nobody", async () => {
    const { clock, printed, board } = setupBoard();
    const heard: string[] = [];
    board.add(() => {
      throw new Error("in the handler");
    });
    board.add(() => Promise.reject(new Error("later")));
    const remove = board.add((error) => heard.push(error.code));
    board.tell(refused);
    remove();
    board.tell(refused);
    await clock.advance(0);

    expect(heard).toEqual(["UNAUTHENTICATED"]);
    expect(printed).toHaveLength(4);
  });
});

describe("an error of the SDK", () => {
  test("[K4] repeats no word of the relay but a well-formed code", () => {
    expect(new HasheeError("SOMETHING_NEW").message).toBe("The relay refused (SOMETHING_NEW).");
    expect(new HasheeError("<b>you won</b>").message).toBe("The relay refused (unknown code).");
  });
});
