/**
 * The agents that the operator offers to newcomers, by fingerprints that the operator read at the agents themselves: the
 * relay repeats them and vouches for nothing. SPEC R65.
 */
import { inviteLink } from "../invite-link.ts";
import { answer, type Api, type RelayApp } from "./api.ts";

export function serveOffered(app: RelayApp, api: Api): void {
  app.get(
    "/invites/offered",
    api.open(async () => {
      const offers = await api.directory.offers();
      return answer(offers.map((offer) => ({ url: inviteLink("", offer) })));
    }),
  );
}
