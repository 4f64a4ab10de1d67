/**
 * The invitations the operator offers to newcomers. The operator writes them into a file of the data folder, with
 * fingerprints that come from the agents; the relay repeats the file and vouches for nothing.
 */
import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { answer, type Api, type RelayApp } from "./api.ts";

/** Name of the file in the data folder. */
export const OFFERED_INVITES_FILE = "offered-invites.json";

const OfferedInvites = v.array(
  v.object({
    code: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
    fingerprint: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)),
  }),
);

export function serveOffered(app: RelayApp, api: Api, offeredFile: string): void {
  app.get(
    "/invites/offered",
    api.open(async () =>
      answer(
        (await readOffered(offeredFile)).map(({ code, fingerprint }) => ({
          url: `/i/${code}#fp=${fingerprint}`,
        })),
      ),
    ),
  );
}

async function readOffered(file: string): Promise<v.InferOutput<typeof OfferedInvites>> {
  try {
    return v.parse(OfferedInvites, JSON.parse(await readFile(file, "utf8")));
  } catch {
    // No file, or one somebody broke: then nothing is offered.
    return [];
  }
}
