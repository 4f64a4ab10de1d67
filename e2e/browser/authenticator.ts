/** An authenticator of the browser's own, as a person carries one: verified by a touch, with a secret for each passkey. */
import type { Page } from "playwright/test";

/** Plugs one into the page, where it stays over whatever the page shows. */
export async function plugAuthenticator(page: Page, { hasSecret = true } = {}): Promise<void> {
  const browser = await page.context().newCDPSession(page);
  await browser.send("WebAuthn.enable");
  await browser.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      hasPrf: hasSecret,
    },
  });
}
