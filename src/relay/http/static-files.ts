/** The built app from the same origin: hashed assets for a year, everything else fresh, unknown paths to the app. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";
import { Readable } from "node:stream";

const TYPE_BY_EXTENSION: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

/** The file at a URL path, else the app's page, else null when nothing is built. */
export async function serveStaticFile(root: string, urlPath: string): Promise<Response | null> {
  const file = await findFile(root, urlPath);
  // A missing asset must not come back as a page with status 200.
  const found = file ?? (extname(urlPath) === "" ? await findFile(root, "/index.html") : null);
  if (found === null) return null;
  const isHashed = found.path.startsWith(join(root, "assets") + sep);
  const body = Readable.toWeb(createReadStream(found.path)) as ReadableStream<Uint8Array>;
  return new Response(body, {
    headers: {
      "Content-Type": TYPE_BY_EXTENSION[extname(found.path)] ?? "application/octet-stream",
      "Content-Length": String(found.sizeBytes),
      "Cache-Control": isHashed ? "public, max-age=31536000, immutable" : "no-store",
    },
  });
}

async function findFile(
  root: string,
  urlPath: string,
): Promise<{ path: string; sizeBytes: number } | null> {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return null;
  }
  if (decoded.includes("\0")) return null;
  const path = normalize(join(root, decoded));
  if (!path.startsWith(root + sep)) return null;
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true ? { path, sizeBytes: found.size } : null;
}
