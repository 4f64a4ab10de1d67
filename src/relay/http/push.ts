/** Push subscriptions of a person's devices. SPEC P80. */
import { base64UrlToBytes } from "#base/base64.ts";
import { makeId } from "#protocol/ids.ts";
import { SubscribeBody } from "#protocol/rest.ts";
import { refuse } from "../failure.ts";
import { isTargetUrl } from "../outbound.ts";
import { isPushKeys } from "../push/web-push.ts";
import { answer, type Api, type RelayApp } from "./api.ts";

export function servePush(app: RelayApp, api: Api): void {
  app.get(
    "/push/key",
    api.human(() => answer({ vapid_public_key: api.vapid.publicKey })),
  );
  app.post(
    "/push/subscriptions",
    api.human(async (http, who) => {
      const body = await api.body(http, SubscribeBody);
      if (!body.ok) return body;
      const { endpoint, keys } = body.value;
      if (!isTargetUrl(endpoint, api.allowsPrivateTargets))
        return refuse("BAD_REQUEST", { path: "endpoint" });
      const publicKey = base64UrlToBytes(keys.p256dh);
      const auth = base64UrlToBytes(keys.auth);
      if (publicKey === null || auth === null || !isPushKeys({ publicKey, auth }))
        return refuse("BAD_REQUEST", { path: "keys" });
      const subscriptionId = makeId(api.clock.now(), api.random);
      const subscribed = await api.writer.run("subscribe", {
        now: api.clock.now(),
        subscriptionId,
        userId: who.userId,
        deviceId: who.deviceId,
        endpoint,
        p256dh: publicKey,
        auth,
      });
      return subscribed.ok ? answer({ subscription_id: subscriptionId }) : subscribed;
    }, 201),
  );
  app.delete(
    "/push/subscriptions/:id",
    api.human(async (http, who) => {
      const subscriptionId = api.id(http, "id");
      if (!subscriptionId.ok) return subscriptionId;
      const gone = { subscriptionId: subscriptionId.value as string, userId: who.userId };
      const done = await api.writer.run("unsubscribe", gone);
      return done.ok ? answer({}) : done;
    }),
  );
}
