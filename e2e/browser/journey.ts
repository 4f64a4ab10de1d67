/** The test of a journey: one world of real programs for a file, fresh people for each test. */
import { test as base, type Browser } from "playwright/test";
import { startWorld, type World } from "../world/processes.ts";
import { Person, type JoinOptions } from "./person.ts";

type Cast = {
  /** Makes an account in a fresh profile; the journey fails at its end if the console complained. */
  readonly join: (options: JoinOptions) => Promise<Person>;
};

export const test = base.extend<Cast, { readonly world: World }>({
  world: [
    async ({}, use) => {
      // Every person here comes from one address.
      const world = await startWorld({
        env: {
          PARLEY_RATES:
            "register=100/100,login=100/100,restByAddress=100/100,userKeys=100/100,agentMessages=500/2000",
        },
      });
      await use(world);
      await world.close();
    },
    { scope: "worker", timeout: 600_000 },
  ],
  join: async ({ world, browser }, use) => {
    const people: Person[] = [];
    await use(async (options) => {
      const person = await Person.join(browser as Browser, world.url, options);
      people.push(person);
      return person;
    });
    for (const person of people) await person.leave();
  },
});

export { expect } from "playwright/test";
