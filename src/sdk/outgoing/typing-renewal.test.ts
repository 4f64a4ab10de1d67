import { describe, expect, test } from "vitest";
import { createFakeClock } from "#base/fake-clock.ts";
import { createTypingRenewal } from "./typing-renewal.ts";

function setupTyping() {
  const clock = createFakeClock(0);
  const shown: string[] = [];
  const renewal = createTypingRenewal(clock, (id, typing) =>
    shown.push(`${clock.now() / 1_000} ${id} ${typing ? "on" : "off"}`),
  );
  return { clock, shown, renewal };
}

describe("the sign of typing", () => {
  test("[K7] is renewed every four seconds", async () => {
    const { clock, shown, renewal } = setupTyping();
    renewal.start("a");
    await clock.advance(9_000);

    expect(shown).toEqual(["0 a on", "4 a on", "8 a on"]);
  });

  test("[K7] ends by itself after two minutes", async () => {
    const { clock, shown, renewal } = setupTyping();
    renewal.start("a");
    await clock.advance(600_000);

    expect(shown).toHaveLength(30);
    expect(shown.at(-1)).toBe("116 a on");
  });

  test("[K7] is taken away by stopTyping, once", async () => {
    const { clock, shown, renewal } = setupTyping();
    renewal.start("a");
    renewal.stop("a");
    renewal.stop("a");
    await clock.advance(9_000);

    expect(shown).toEqual(["0 a on", "0 a off"]);
  });

  test("[K7] ends without a word when something is said", async () => {
    const { clock, shown, renewal } = setupTyping();
    renewal.start("a");
    renewal.start("b");
    renewal.settle("a");
    await clock.advance(4_000);

    expect(shown).toEqual(["0 a on", "0 b on", "4 b on"]);
  });

  test("[K7] starts its two minutes anew when asked again", async () => {
    const { clock, shown, renewal } = setupTyping();
    renewal.start("a");
    await clock.advance(119_000);
    renewal.start("a");
    await clock.advance(60_000);

    expect(shown.at(-1)).toBe("179 a on");
  });
});
