/** The headers every answer carries, errors and files included. SPEC S1; the reasons stand in SECURITY.md. */

export type HeaderOptions = {
  /** Further sources the app may connect to: plain agent servers of this deployment. */
  readonly connectSources: readonly string[];
  /** Where sandboxed artifacts come from, or null for none. */
  readonly artifactOrigin: string | null;
};

export function securityHeaders({
  connectSources,
  artifactOrigin,
}: HeaderOptions): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' blob:",
    "media-src blob:",
    ["connect-src 'self'", ...connectSources].join(" "),
    "manifest-src 'self'",
    `frame-src ${artifactOrigin ?? "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types app-worker",
  ];
  return {
    "Content-Security-Policy": policy.join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()",
    "Strict-Transport-Security": "max-age=63072000",
  };
}
