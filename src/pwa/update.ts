/** The page's side of updates: registers the service worker and says when a newer build is ready to take over. */

/** The parts of the platform that are used. */
export type UpdatePlatform = {
  readonly container: Pick<
    ServiceWorkerContainer,
    "register" | "controller" | "addEventListener" | "removeEventListener"
  >;
  /** Our service worker's URL, already passed through the policy. */
  readonly workerUrl: string;
  reload(): void;
};

/**
 * Registers the worker and calls `onAvailable` with the way to apply a newer build, each time one is ready.
 * Nothing takes over by itself: the page reloads only after it asked. The returned function checks for an update.
 */
export async function watchUpdates(
  { container, workerUrl, reload }: UpdatePlatform,
  onAvailable: (apply: () => void) => void,
): Promise<() => Promise<void>> {
  const registration = await container.register(workerUrl, { updateViaCache: "none" });
  let isAsked = false;
  container.addEventListener("controllerchange", () => {
    if (isAsked) reload();
  });

  const offer = (worker: ServiceWorker): void =>
    onAvailable(() => {
      isAsked = true;
      worker.postMessage("take-over");
    });
  const follow = (worker: ServiceWorker): void =>
    worker.addEventListener("statechange", () => {
      // Without a controller this is the first visit: there is no older build to leave.
      if (worker.state === "installed" && container.controller !== null) offer(worker);
    });

  if (registration.waiting !== null && container.controller !== null) offer(registration.waiting);
  if (registration.installing !== null) follow(registration.installing);
  registration.addEventListener("updatefound", () => {
    if (registration.installing !== null) follow(registration.installing);
  });
  return async () => void (await registration.update());
}
