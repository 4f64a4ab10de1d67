/** Reading QR codes with the camera, where the browser can: the platform's own detector, and nothing of ours. */

/** What of the platform's detector is used; TypeScript does not know it yet. */
export type CodeDetector = {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
};
export type CodeDetectorMaker = {
  new (options: { readonly formats: readonly string[] }): CodeDetector;
  getSupportedFormats(): Promise<readonly string[]>;
};

/** The parts of `window` that are used. */
export type CameraPlatform = {
  readonly BarcodeDetector?: CodeDetectorMaker | undefined;
  readonly navigator: { readonly mediaDevices?: Pick<MediaDevices, "getUserMedia"> | undefined };
};

const FORMAT = "qr_code";

/** Whether this browser can read QR codes. It may still have no camera, or not give it. */
export async function canScanCodes(platform: CameraPlatform): Promise<boolean> {
  const { BarcodeDetector, navigator } = platform;
  if (BarcodeDetector === undefined || navigator.mediaDevices === undefined) return false;
  try {
    return (await BarcodeDetector.getSupportedFormats()).includes(FORMAT);
  } catch {
    return false;
  }
}

/** A detector of QR codes, or null. */
export const makeDetector = ({ BarcodeDetector }: CameraPlatform): CodeDetector | null =>
  BarcodeDetector === undefined ? null : new BarcodeDetector({ formats: [FORMAT] });

/** The camera on the far side where there are two. Null when it is not given. */
export async function openCamera({ navigator }: CameraPlatform): Promise<MediaStream | null> {
  try {
    return (
      (await navigator.mediaDevices?.getUserMedia({
        audio: false,
        video: { facingMode: "environment" },
      })) ?? null
    );
  } catch {
    return null;
  }
}

/** Ends the camera's work; its light goes out. */
export function closeCamera(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** The first code in view that `wants` takes, or null. A frame that cannot be read is no code. */
export async function readCode(
  detector: CodeDetector,
  video: HTMLVideoElement,
  wants: (text: string) => boolean,
): Promise<{ readonly text: string; readonly isWanted: boolean } | null> {
  try {
    const texts = (await detector.detect(video)).map(({ rawValue }) => rawValue);
    const wanted = texts.find(wants);
    if (wanted !== undefined) return { text: wanted, isWanted: true };
    return texts[0] === undefined ? null : { text: texts[0], isWanted: false };
  } catch {
    return null;
  }
}
