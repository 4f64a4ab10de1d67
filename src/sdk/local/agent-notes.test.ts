import { copyFileSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { assert } from "#base/invariant.ts";
import { Secret } from "#base/secret.ts";
import { createSeededRandom } from "#base/seeded-random.ts";
import { createPrimitives } from "#crypto/primitives.ts";
import { sharedSeal } from "../shared/sealed-place.ts";
import { createAgentNotes } from "./agent-notes.ts";
import { openVaultFolder } from "./vault-folder.ts";

const primitives = await createPrimitives({ random: createSeededRandom(1) });
const aSeal = () =>
  sharedSeal(primitives, {
    privateKey: new Secret(primitives.randomBytes(32)),
    signingPrivateKey: new Secret(primitives.randomBytes(32)),
  });
const aFolder = () => join(mkdtempSync(join(tmpdir(), "parley-notes-")), "vault");
const openVault = async (folder: string) => {
  const vault = await openVaultFolder(folder);
  assert(vault !== null, "the folder can be written");
  return vault;
};

test("[K33] a note is there at the next start, is replaced as a whole, and goes when it is removed", async () => {
  const folder = aFolder();
  const seal = aSeal();
  const first = createAgentNotes(await openVault(folder), seal);
  await first.write("a", "one");
  await first.write("a", "two");
  await first.write("b", "three");

  const next = createAgentNotes(await openVault(folder), seal);
  await next.remove("b");

  expect([await next.read("a"), await next.read("b"), await next.read("c")]).toEqual([
    "two",
    null,
    null,
  ]);
});

test("[K33] a note put in another's place does not open", async () => {
  const folder = aFolder();
  const notes = createAgentNotes(await openVault(folder), aSeal());
  await notes.write("a", "the first");
  await notes.write("b", "the second");

  const fileOf = (name: string) =>
    readdirSync(folder).find((file) => file.startsWith(`note-${name}`)) ?? "";
  copyFileSync(join(folder, fileOf("a")), join(folder, fileOf("b")));

  expect([await notes.read("a"), await notes.read("b")]).toEqual(["the first", null]);
});

test("[K33] a note lies sealed, opens under no other key, and its name is no path", async () => {
  const folder = aFolder();
  const vault = await openVault(folder);
  await createAgentNotes(vault, aSeal()).write("a", "what was said");
  const notes = createAgentNotes(vault, aSeal());

  const disk = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), "latin1"))
    .join("\n");

  expect(disk).not.toContain("what was said");
  expect(await notes.read("a")).toBeNull();
  await expect(notes.write("../a", "x")).rejects.toMatchObject({ code: "BAD_REQUEST" });
});
