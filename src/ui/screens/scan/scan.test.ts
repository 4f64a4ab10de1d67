import { fc } from "#base/properties.contract.ts";
import { describe, expect, test } from "vitest";
import {
  canScanCodes,
  closeCamera,
  makeDetector,
  openCamera,
  readCode,
  type CameraPlatform,
  type CodeDetector,
} from "./code-camera.ts";
import { isSafetyCode, isSameSafetyCode, safetyCodeText } from "./safety-code.ts";

/** A browser that reads these formats and gives a camera, or fails at it. */
function aPlatform(formats: readonly string[] | null, stream: MediaStream | null): CameraPlatform {
  class Detector implements CodeDetector {
    static getSupportedFormats = async () => {
      if (formats === null) throw new Error("no service");
      return formats;
    };
    detect = async () => [];
  }
  return {
    BarcodeDetector: Detector,
    navigator: {
      mediaDevices: {
        getUserMedia: async () => {
          if (stream === null) throw new DOMException("denied", "NotAllowedError");
          return stream;
        },
      },
    },
  };
}
const seeing = (...texts: readonly string[]): CodeDetector => ({
  detect: async () => texts.map((rawValue) => ({ rawValue })),
});
const video = {} as HTMLVideoElement;
const isLink = (text: string) => text.startsWith("https:");

describe("the camera", () => {
  test("[U102] is offered only where the browser reads QR codes and may have a camera", async () => {
    const able = aPlatform(["ean_13", "qr_code"], null);

    expect(await canScanCodes(able)).toBe(true);
    expect(await canScanCodes(aPlatform(["ean_13"], null))).toBe(false);
    expect(await canScanCodes(aPlatform(null, null))).toBe(false);
    expect(await canScanCodes({ ...able, navigator: {} })).toBe(false);
    expect(await canScanCodes({ navigator: able.navigator })).toBe(false);
    expect(makeDetector({ navigator: {} })).toBeNull();
  });

  test("[U102] that is not given is none, and one that was opened is let go", async () => {
    const stopped: string[] = [];
    const tracks = ["video", "depth"].map((kind) => ({ stop: () => stopped.push(kind) }));
    const stream = { getTracks: () => tracks } as unknown as MediaStream;

    expect(await openCamera(aPlatform([], null))).toBeNull();
    expect(await openCamera({ navigator: {} })).toBeNull();
    const opened = await openCamera(aPlatform([], stream));
    closeCamera(opened as MediaStream);

    expect(stopped).toEqual(["video", "depth"]);
  });

  test("[U102] takes the code that is meant out of several, and says when it is another kind", async () => {
    const blind: CodeDetector = {
      detect: async () => {
        throw new DOMException("not ready", "InvalidStateError");
      },
    };

    expect(await readCode(seeing("5012345", "https://a/link#B"), video, isLink)).toEqual({
      text: "https://a/link#B",
      isWanted: true,
    });
    expect(await readCode(seeing("5012345"), video, isLink)).toEqual({
      text: "5012345",
      isWanted: false,
    });
    expect(await readCode(seeing(), video, isLink)).toBeNull();
    expect(await readCode(blind, video, isLink)).toBeNull();
  });
});

test("[U103] two safety codes are the same only when every byte is", () => {
  const bytes = fc.array(fc.nat(255), { minLength: 1, maxLength: 65 });
  fc.assert(
    fc.property(bytes, fc.nat(64), fc.integer({ min: 1, max: 255 }), (code, at, by) => {
      const other = code.map((byte, i) => (i === at % code.length ? byte ^ by : byte));
      const read = safetyCodeText(code);

      expect(isSafetyCode(read)).toBe(true);
      expect(read).toMatch(/^parley-sn:[\w-]+$/);
      expect(isSameSafetyCode(code, read)).toBe(true);
      expect(isSameSafetyCode(other, read)).toBe(false);
    }),
  );
  expect(isSameSafetyCode([], safetyCodeText([]))).toBe(false);
  expect(isSafetyCode("https://parley.example/link#A")).toBe(false);
});
