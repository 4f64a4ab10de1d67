import { expect, test } from "./journey.ts";

test("[N68] a browser whose setting says noble talks without the platform's primitives", async ({
  join,
}) => {
  const ada = await join({ name: "Ada" });
  await ada.startWith("Echo");
  await ada.page.evaluate(() => localStorage.setItem("parley.crypto", "noble"));
  await ada.page.reload();
  await expect(ada.composer).toBeVisible();
  const engines = await Promise.all(
    ada.page.workers().map(async (worker) => {
      // One that has just ended has no name.
      const name = await worker.evaluate(() => self.name).catch(() => null);
      return name === "engine noble" ? [worker] : [];
    }),
  );
  const [engine] = engines.flat();
  await engine?.evaluate(() => {
    // From here on nothing works that asks the platform to sign, verify or agree.
    for (const name of ["sign", "verify", "deriveBits"])
      Object.defineProperty(crypto.subtle, name, {
        value: () => Promise.reject(new Error("not asked")),
      });
  });

  await ada.say("in JavaScript alone");

  expect(engine).toBeDefined();
  await expect(ada.row("in JavaScript alone")).toHaveCount(2);
});
