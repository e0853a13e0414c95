// All executions, across tenants and state machines.
import { html } from "/parts/preact.js";
import { to, useAsked } from "/asking.js";
import { Asked, Moment, Status, Table, lasting } from "/shown.js";

const STATUSES = { RUNNING: "running", SUCCEEDED: "succeeded", FAILED: "failed", ABORTED: "stopped", TIMED_OUT: "timed out" };

const COLUMNS = [
  ["Status", (row) => html`<${Status} status=${row.status} />`],
  ["Execution", (row) => html`<a href=${to("execution", { arn: row.arn })}>${row.name}</a>`],
  ["Machine", (row) => row.machine],
  ["Tenant", (row) => row.tenant],
  ["Model", (row) => row.model],
  ["State, or error", (row) => row.error ? html`<code>${row.error}</code>` : row.state],
  ["Started", (row) => html`<${Moment} at=${row.started_at} />`, "number"],
  ["Duration", (row) => lasting(row.seconds), "number"],
];

export function Executions({ query, go }) {
  const asked = useAsked("executions", query);
  const tenants = useAsked("tenants");
  const machines = Object.keys(useAsked("stack").found?.machines ?? {}).sort();
  const known = tenants.found ?? [];
  const models = known.filter((each) => !query.tenant || each.tenant === query.tenant).flatMap((each) => each.models.map((model) => model.model));
  const choose = (name) => (event) => go("executions", { ...query, [name]: event.target.value, ...(name === "tenant" ? { model: "" } : {}) });
  return html`
    <h1>Executions</h1>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Choice} label="Tenant" value=${query.tenant} onChange=${choose("tenant")} options=${known.map((each) => [each.tenant])} />
      <${Choice} label="Model" value=${query.model} onChange=${choose("model")} options=${[...new Set(models)].map((name) => [name])} />
      <${Choice} label="State machine" value=${query.machine} onChange=${choose("machine")} options=${machines.map((name) => [name])} />
      <${Choice} label="Status" value=${query.status} onChange=${choose("status")} options=${Object.entries(STATUSES)} />
    </form>
    <${Asked} asked=${asked}>${(rows) => html`
      <p role="status" class="quiet">${summary(rows)}</p>
      <${Table} caption="Executions, the newest first" hidden columns=${COLUMNS} rows=${rows.map((row) => ({ key: row.arn, ...row }))}
        empty=${Object.values(query).some(Boolean) ? "No execution fits these filters." : "No upload has come yet: the first one starts the first execution."} />
    `}</${Asked}>`;
}

function Choice({ label, value = "", options, onChange }) {
  const id = `filter-${label.toLowerCase().replaceAll(" ", "-")}`;
  return html`<div>
    <label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${onChange}>
      <option value="">all</option>
      ${options.map(([name, words]) => html`<option key=${name} value=${name} selected=${name === value}>${words ?? name}</option>`)}
    </select>
  </div>`;
}

function summary(rows) {
  const counts = Object.entries(STATUSES).map(([status, word]) => [rows.filter((row) => row.status === status).length, word]);
  return counts.filter(([count]) => count).map(([count, word]) => `${count} ${word}`).join(", ");
}
