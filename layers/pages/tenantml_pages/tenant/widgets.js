// What every view is made of: small components, hooks and words.
import { html, useCallback, useEffect, useRef, useState } from "./preact.js";

export const day = (time) => (time ? new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "–");
export const count = (number) => (number == null ? "–" : number.toLocaleString());
export const size = (bytes) => {
  const power = Math.min(3, Math.floor(Math.log10(bytes || 1) / 3));
  return `${(bytes / 1000 ** power).toLocaleString(undefined, { maximumFractionDigits: 1 })} ${["bytes", "KB", "MB", "GB"][power]}`;
};
const THREE_DIGITS = { minimumSignificantDigits: 3, maximumSignificantDigits: 3 };
export const figure = (number) => (typeof number === "number" ? number.toLocaleString(undefined, Math.abs(number) < 100 && !Number.isInteger(number) ? THREE_DIGITS : { maximumFractionDigits: 1 }) : "–");
export const percent = (share) => share.toLocaleString(undefined, { style: "percent", maximumFractionDigits: 1 });
export const lasting = (seconds) => {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60).toLocaleString()} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
};
export const link = (...path) => "#/" + path.map(encodeURIComponent).join("/");

/** Whether a model answers, in a word, with the version that does. */
export const Standing = ({ model }) => {
  const { status, paused_version: paused } = model.state;
  if (status === "live") return html`<${Badge} tone="live">Live<//> <small>${model.live_version}</small>`;
  if (status === "empty") return html`<${Badge}>Not live yet<//>`;
  return html`<${Badge} tone=${status === "resuming" ? "running" : ""}>${status === "resuming" ? "Resuming" : "Paused"}<//> <small>${paused}</small>`;
};

const TONES = { succeeded: "good", live: "good", failed: "bad", running: "busy", awaiting: "busy" };

/** A word with a colour; the word says it all without the colour. */
export const Badge = ({ tone, children }) => html`<span class="badge ${TONES[tone] || ""}">${children}</span>`;

/** What went wrong: announced when it appears. */
export const Failure = ({ error }) =>
  error && html`<div role="alert" class="note bad"><strong>${error.code || "Error"}</strong> <span>${error.message}</span></div>`;

/** A heading that takes the focus when its view opens, so that a screen reader starts there. */
export function Title({ children }) {
  const heading = useRef();
  useEffect(() => {
    document.title = `${heading.current.textContent} · TenantML`;
    heading.current.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, []);
  return html`<h1 tabindex="-1" ref=${heading}>${children}</h1>`;
}

/** A table that scrolls by itself where it is wider than the screen, by keyboard too. */
export const Table = ({ label, head, children }) => html`
  <div class="scroll" role="region" aria-label=${label} tabindex="0">
    <table><thead><tr>${head.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead><tbody>${children}</tbody></table>
  </div>`;

/** A button that is busy while its action lasts, and shows what the action was refused with. */
export function Action({ act, children, ...properties }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (refusal) {
      setError(refusal);
    }
    setBusy(false);
  };
  return html`<button type="button" aria-busy=${busy} disabled=${busy} onClick=${run} ...${properties}>${children}</button><${Failure} error=${error} />`;
}

const SOON_SECONDS = 1.5;
const LATER_SECONDS = 15;

/** What `load` answers, asked again while `goesOn(answer)`, ever less often, and after a failure that may pass: {data, error, reload}. */
export function useAnswer(load, key, goesOn = () => false) {
  const [state, setState] = useState({ key });
  const [round, setRound] = useState(0);
  const began = useRef(Date.now());
  const reload = useCallback(() => { began.current = Date.now(); setRound((number) => number + 1); }, []);
  useEffect(() => { began.current = Date.now(); }, [key]);
  useEffect(() => {
    let left = false, timer;
    load().then(
      (data) => {
        if (left) return;
        setState({ key, data });
        const seconds = Math.min(LATER_SECONDS, Math.max(SOON_SECONDS, (Date.now() - began.current) / 20_000));
        if (goesOn(data)) timer = setTimeout(() => setRound((number) => number + 1), seconds * 1000);
      },
      (error) => {
        if (left) return;
        setState((before) => ({ ...(before.key === key && before), key, error }));
        if (!error.status || error.status === 429 || error.status >= 500) timer = setTimeout(() => setRound((number) => number + 1), LATER_SECONDS * 1000);
      },
    );
    return () => { left = true; clearTimeout(timer); };
  }, [key, round]);
  return { ...(state.key === key && state), reload };
}
