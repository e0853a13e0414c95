// What is used of today's quota, what this month costs, and which keys open all of this.
import { html } from "./preact.js";
import { Spending } from "./costs.js";
import { Failure, Table, Title, count, day, useAnswer } from "./widgets.js";

const LIMITS = { requests: "Requests today", rows: "Predicted rows today", rate: "Requests at this moment" };

export function Usage({ api }) {
  const load = async () => ({ usage: await api.call("GET", ["usage"]), keys: await api.all(["keys"], "keys") });
  const { data, error } = useAnswer(load, "usage");
  return html`
    <${Title}>Usage and cost<//>
    <${Failure} error=${error} />
    ${!data ? !error && html`<p aria-busy="true">Loading your usage</p>` : html`
      <ul class="cards">
        ${Object.entries(LIMITS).map(([name, title]) => {
          const { used, limit, window_seconds: seconds } = data.usage[name];
          return html`<li><article><h2>${title}</h2>
            <p><strong>${count(used)}</strong> of ${count(limit)}${seconds ? ` within ${seconds} s` : ""}</p>
            <meter min="0" max=${limit} value=${used} aria-label=${title} /></article></li>`;
        })}
      </ul>
      <p><small>The day's counts begin anew at ${day(data.usage.resets_at)}.</small></p>
      <${Spending} spending=${data.usage.spending} />
      <section aria-labelledby="keys"><h2 id="keys">API keys</h2>
        <p>By their ids; a key itself is shown once, by the operator who issues it.</p>
        <${Table} label="Ids of API keys" head=${["Id", "Issued", "Expires"]}>
          ${data.keys.map((key) => html`<tr><th scope="row">${key.key_id}</th><td>${day(key.created_at)}</td><td>${key.expires_at ? day(key.expires_at) : "never"}</td></tr>`)}
        <//>
      </section>`}`;
}
