import { useStore } from "#ui/StoresContext.tsx";
import { VisuallyHidden } from "#ui/kit/VisuallyHidden.tsx";
import { useText } from "#ui/text/text.tsx";

/** Says starts, ends and questions of the open thread to those who listen; never the running text. */
export function LiveRegion() {
  const t = useText();
  const latest = useStore("announcements", (state) => state.latest);
  return (
    <VisuallyHidden>
      <span role="status" aria-live="polite" aria-atomic>
        {latest !== null && (
          <span key={latest.turn}>{t(`announce.${latest.kind}`, { name: latest.authorName })}</span>
        )}
      </span>
    </VisuallyHidden>
  );
}
