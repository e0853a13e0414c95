// What is fetched of a version only when somebody looks: its report, and which columns count.
import { html, useEffect, useState } from "./preact.js";
import { Failure, Table, figure, percent } from "./widgets.js";

const SHOWN = 20;

/** Something that is loaded when its summary is opened for the first time. */
function Opened({ summary, load, show }) {
  const [isOpen, setOpen] = useState(false);
  const [state, setState] = useState({});
  useEffect(() => { if (isOpen) load().then((data) => setState({ data }), (error) => setState({ error })); }, [isOpen]);
  return html`
    <details onToggle=${(event) => setOpen(event.target.open)}><summary>${summary}</summary>
      ${state.data ? show(state.data) : state.error ? html`<${Failure} error=${state.error} />` : html`<p aria-busy="true">Loading</p>`}
    </details>`;
}

export const Importance = ({ api, version: { model, version, error } }) =>
  !error && html`<${Opened} summary="Which columns count" load=${() => api.call("GET", ["models", model, "versions", version, "importance"])} show=${shown} />`;

const shown = ({ features, reason, left_out: leftOut }) =>
  features.length ? html`
    <p>How much each column counts for the answers: an association, not a cause.</p>
    <${Table} label="Columns by importance" head=${["Column", "Share", "Value"]}>
      ${features.slice(0, SHOWN).map((found) => html`<tr><th scope="row">${found.feature}</th>
        <td><meter min="0" max="1" value=${found.share} aria-label=${`Share of ${found.feature}`} /> ${percent(found.share)}</td><td>${figure(found.value)}</td></tr>`)}
    <//>
    ${features.length + leftOut > SHOWN && html`<p><small>${features.length + leftOut - SHOWN} more columns count less.</small></p>`}`
  : html`<p>None is known: ${reason}</p>`;

/** The report of a version, where there is one. */
export function Report() {
  return null;
}
