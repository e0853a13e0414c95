// How times, sizes, states and tables look, everywhere the same.
import { html } from "/parts/preact.js";

// What a status is called, and the sign beside its colour.
const STATUSES = {
  RUNNING: ["running", "▶", "current"],
  SUCCEEDED: ["succeeded", "✓", "succeeded"],
  FAILED: ["failed", "✗", "failed"],
  TIMED_OUT: ["timed out", "✗", "failed"],
  ABORTED: ["stopped", "■", "stopped"],
  PENDING_REDRIVE: ["waits for its redrive", "▶", "current"],
  current: ["in progress", "▶", "current"],
  succeeded: ["succeeded", "✓", "succeeded"],
  caught: ["error caught", "!", "caught"],
  failed: ["failed", "✗", "failed"],
  stopped: ["stopped", "■", "stopped"],
  "not reached": ["not reached", "○", "unreached"],
};

/** `{word, sign, look}` of a status of Step Functions or of a state. */
export function meaning(status) {
  const [word, sign, look] = STATUSES[status] ?? [String(status ?? "").toLowerCase(), "·", "unreached"];
  return { word, sign, look };
}

export function Status({ status }) {
  const { word, sign, look } = meaning(status);
  return html`<span class="status ${look}"><span aria-hidden="true">${sign}</span> ${word}</span>`;
}

/** Seconds as a person says them. */
export function lasting(seconds) {
  if (seconds == null) return "";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min ${Math.floor(seconds % 60)} s`;
}

const MOMENT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function Moment({ at }) {
  return at ? html`<time dateTime=${at} title=${at}>${MOMENT.format(new Date(at))}</time>` : "";
}

/** Text as it is; JSON with its indentation. */
export function Payload({ text, label }) {
  if (text == null || text === "") return html`<p class="quiet">none</p>`;
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // no JSON: a message, a trace
  }
  return html`<pre tabindex="0" role="region" aria-label=${label}>${shown}</pre>`;
}

/** A table with a caption, in a region of its own that scrolls sideways where there is little room. */
export function Table({ caption, columns, rows, empty, hidden = false }) {
  if (!rows.length) return html`<p class="quiet">${empty}</p>`;
  return html`<div class="wide" tabindex="0" role="region" aria-label=${caption}>
    <table>
      <caption class=${hidden ? "unseen" : ""}>${caption}</caption>
      <thead><tr>${columns.map(([name, , kind]) => html`<th scope="col" class=${kind ?? ""}>${name}</th>`)}</tr></thead>
      <tbody>
        ${rows.map((row) => html`<tr key=${row.key}>${columns.map(([, cell, kind]) => html`<td class=${kind ?? ""}>${cell(row)}</td>`)}</tr>`)}
      </tbody>
    </table>
  </div>`;
}

/** What was asked for, or why it is not there. */
export function Asked({ asked, children }) {
  return html`
    ${asked.failure && html`<p role="alert" class="banner failed">${asked.failure}</p>`}
    ${asked.found === undefined ? !asked.failure && html`<p aria-busy="true">Asking …</p>` : children(asked.found)}
  `;
}
