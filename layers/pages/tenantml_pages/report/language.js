// Runs before uPlot, which formats numbers in the browser's language and ends where that is none: a Chromium that was
// started with LANG=C says "en-US@posix".
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US" });
}
