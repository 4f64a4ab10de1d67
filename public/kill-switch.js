// Served under the service worker's name, this takes the offline part away from every browser that asks for an
// update: it needs no page, stores nothing and handles no request.
self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) =>
  event.waitUntil(caches.delete("parley-shell").then(() => self.registration.unregister())),
);
