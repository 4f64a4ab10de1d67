/** The product's mark: a ring that has closed, drawn in the colour of the text around it. */
export const SealMark = ({ size }: { size: number }) => (
  <svg width={size} height={size} viewBox="0 0 64 64" fill="none" aria-hidden>
    <path
      d="M22 53 10 57.5l2.6-15.5a25 25 0 1 1 9.4 11Z"
      stroke="currentColor"
      strokeWidth={5.5}
      strokeLinejoin="round"
    />
    <circle cx="35" cy="31.5" r="6" fill="currentColor" />
  </svg>
);
