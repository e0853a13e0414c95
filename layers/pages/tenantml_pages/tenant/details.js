// What is fetched of a version only when somebody looks: its report, and which columns count.
import { html, useEffect, useRef, useState } from "./preact.js";
import { Action, Failure, Table, figure, percent } from "./widgets.js";

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
    ${features.length + leftOut > SHOWN && html`<p><small>Less than these: ${features.length + leftOut - SHOWN} more.</small></p>`}`
  : html`<p>None is known: ${reason}</p>`;

/** The report of a version, where this API has reports: in a frame that can reach neither this page nor anything else. */
export function Report({ api, version: { model, version } }) {
  const [offered, setOffered] = useState(false);
  const [page, setPage] = useState(null);
  const frame = useRef();
  useEffect(() => { api.offers("/models/{model}/versions/{version}/report").then(setOffered, () => {}); }, []);
  if (!offered) return null;
  const read = async () => setPage(await api.call("GET", ["models", model, "versions", version, "report"], { headers: { accept: "text/html" } }));
  const save = () => {
    const address = URL.createObjectURL(new Blob([page], { type: "text/html" }));
    Object.assign(document.createElement("a"), { href: address, download: `${model}-${version}.html` }).click();
    URL.revokeObjectURL(address);
  };
  if (page === null) return html`<${Action} act=${read}>Read the report<//>`;
  return html`
    <div class="report">
      <iframe ref=${frame} src="app/report.html" title=${`Report of ${version}`} onLoad=${() => frame.current.contentWindow.postMessage(page, "*")} />
      <div class="actions"><button type="button" class="outline" onClick=${() => setPage(null)}>Close the report</button>
        <button type="button" class="outline" onClick=${save}>Save it as a file</button></div>
    </div>`;
}
