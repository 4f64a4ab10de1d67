import { useEffect, useRef, useState } from "react";
import { useStores } from "#ui/StoresContext.tsx";
import { Button } from "#ui/kit/Button.tsx";
import { Dialog } from "#ui/kit/Dialog.tsx";
import { useText } from "#ui/text/text.tsx";
import {
  canScanCodes,
  closeCamera,
  makeDetector,
  openCamera,
  readCode,
  type CameraPlatform,
} from "./code-camera.ts";
import styles from "./ScanButton.module.css";

type ScanButtonProps = {
  label: string;
  /** Which codes are meant; others are said to be others. */
  wants: (text: string) => boolean;
  onRead: (text: string) => void;
  size?: "medium" | "small";
};

const LOOK_EVERY_MS = 200;
const platform = globalThis as unknown as CameraPlatform;

/** Opens the camera to read a QR code. Not drawn where the browser cannot; what it reads can always be typed too. */
export function ScanButton({ label, size = "medium", ...scanning }: ScanButtonProps) {
  const [isAble, setIsAble] = useState(false);
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    void canScanCodes(platform).then(setIsAble);
  }, []);
  if (!isAble) return null;
  return (
    <>
      <Button icon="qr" size={size} onClick={() => setIsOpen(true)}>
        {label}
      </Button>
      <ScanDialog {...scanning} label={label} open={isOpen} onClose={() => setIsOpen(false)} />
    </>
  );
}

type ScanDialogProps = Omit<ScanButtonProps, "size"> & { open: boolean; onClose: () => void };

function ScanDialog({ label, open, onClose, ...scanning }: ScanDialogProps) {
  const t = useText();
  return (
    <Dialog
      open={open}
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
      title={label}
      description={t("scan.help")}
      footer={<Button onClick={onClose}>{t("general.cancel")}</Button>}
    >
      <Viewfinder {...scanning} onClose={onClose} />
    </Dialog>
  );
}

type ViewfinderProps = Pick<ScanDialogProps, "wants" | "onRead" | "onClose">;

function Viewfinder({ wants, onRead, onClose }: ViewfinderProps) {
  const t = useText();
  const { clock } = useStores();
  const video = useRef<HTMLVideoElement>(null);
  const [isDenied, setIsDenied] = useState(false);
  const [isOther, setIsOther] = useState(false);
  const reading = useRef({ wants, onRead, onClose });
  reading.current = { wants, onRead, onClose };
  useEffect(() => {
    let isOver = false;
    let stream: MediaStream | null = null;
    let cancel = (): void => {};
    const detector = makeDetector(platform);
    const look = async (): Promise<void> => {
      const element = video.current;
      if (isOver || element === null || detector === null) return;
      const read = await readCode(detector, element, reading.current.wants);
      if (isOver) return;
      setIsOther(read?.isWanted === false);
      if (read?.isWanted === true) {
        reading.current.onClose();
        reading.current.onRead(read.text);
        return;
      }
      cancel = clock.after(LOOK_EVERY_MS, () => void look());
    };
    void openCamera(platform).then(async (opened) => {
      stream = opened;
      if (opened === null) return setIsDenied(!isOver);
      if (isOver || video.current === null) return closeCamera(opened);
      video.current.srcObject = opened;
      await video.current.play().catch(() => undefined);
      await look();
    });
    return () => {
      isOver = true;
      cancel();
      if (stream !== null) closeCamera(stream);
    };
  }, [clock]);
  return isDenied ? (
    <p role="alert">{t("scan.denied")}</p>
  ) : (
    <>
      <video ref={video} className={styles.view} muted playsInline aria-label={t("scan.view")} />
      <p role="status" className={styles.note}>
        {isOther ? t("scan.other") : ""}
      </p>
    </>
  );
}
