import { seriousIn } from "./axe.ts";
import { expect, test } from "./journey.ts";
import { Person } from "./person.ts";

for (const theme of ["light", "dark"] as const) {
  test(`axe finds nothing serious at the door, ${theme}`, async ({ browser, world }) => {
    const ada = await Person.arrive(browser, world.url, { name: "Ada", theme });
    await ada.page.getByLabel("Your name").waitFor();

    expect(await seriousIn(ada.page)).toEqual([]);
    await ada.makeAccount(null);
    expect(await seriousIn(ada.page)).toEqual([]);
    await ada.leave();
  });

  // Each theme in one width: colours do not depend on it, and names do not depend on colours.
  for (const width of theme === "light" ? [390] : [1280])
    test(`axe finds nothing serious in a thread of every kind, ${theme}, ${width} px`, async ({
      join,
    }) => {
      const ada = await join({ name: "Ada", theme, width });
      await ada.startWith("Guide");
      for (const [ask, answer] of [
        ["show me formatting", "GitHub-flavoured Markdown"],
        ["show progress", "Done"],
        ["show me a form", "A visit"],
        ["ask me for approval", "Publish version 2.0"],
      ] as const) {
        await ada.say(ask);
        await ada.expectMessage(answer);
        expect(await seriousIn(ada.page), ask).toEqual([]);
      }
      await ada.page.getByRole("button", { name: "Details" }).click();
      expect(await seriousIn(ada.page), "details").toEqual([]);
    });

  test(`axe finds nothing serious in settings, contacts and dialogs, ${theme}`, async ({
    join,
    world,
  }) => {
    const ada = await join({ name: "Ada", theme });
    for (const section of ["profile", "security", "appearance", "writing", "about"]) {
      await ada.page.goto(`${world.url}/settings/${section}`);
      await ada.page.getByRole("main").getByRole("heading").first().waitFor();
      expect(await seriousIn(ada.page), section).toEqual([]);
    }
    await ada.page.goto(`${world.url}/contacts`);
    await ada.page.getByRole("main").getByRole("heading").first().waitFor();
    expect(await seriousIn(ada.page), "contacts").toEqual([]);
    await ada.page.goto(world.url);
    await ada.page.getByRole("button", { name: "New conversation" }).first().click();
    await ada.page.getByRole("dialog").waitFor();
    expect(await seriousIn(ada.page), "new conversation").toEqual([]);
  });
}
