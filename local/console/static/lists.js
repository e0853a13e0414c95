// Tenants and what they have; endpoints, grants, refused uploads and receipts.
import { html } from "/parts/preact.js";
import { to, useAsked } from "/asking.js";
import { Asked, Moment, Payload, Table } from "/shown.js";

const TENANT_LOOKS = { active: "succeeded", suspended: "failed", registered: "caught", offboarded: "stopped" };
const SIGNS = { succeeded: "✓", failed: "✗", caught: "!", stopped: "■", current: "▶" };

function Word({ word, looks, otherwise = "current" }) {
  const look = looks[word] ?? otherwise;
  return html`<span class="status ${look}"><span aria-hidden="true">${SIGNS[look]}</span> ${word}</span>`;
}

export function Tenants() {
  return html`<h1>Tenants</h1><${Asked} asked=${useAsked("tenants")}>${(tenants) => tenants.length === 0 ? html`<p class="quiet">No tenant is registered.</p>` : tenants.map((tenant) => html`
    <article key=${tenant.tenant}>
      <header><h2>${tenant.tenant}</h2> <${Word} word=${tenant.status} looks=${TENANT_LOOKS} />${tenant.held ? " held by an operator" : ""}</header>
      ${tenant.reason && html`<p class="banner failed">${tenant.reason}</p>`}
      <dl class="facts">
        <div><dt>Account</dt><dd>${tenant.account_id}</dd></div>
        <div><dt>Region</dt><dd>${tenant.region}</dd></div>
        <div><dt>Contact</dt><dd>${tenant.contact}</dd></div>
        <div><dt>Names begin with</dt><dd>${tenant.prefix}</dd></div>
        <div><dt>Access last probed</dt><dd>${tenant.probed_at ? html`<${Moment} at=${tenant.probed_at} />` : "not yet"}</dd></div>
      </dl>
      <p><a href=${to("executions", { tenant: tenant.tenant })}>Executions</a> · <a href=${to("receipts", { tenant: tenant.tenant })}>Receipts</a></p>
      ${tenant.models.length === 0 ? html`<p class="quiet">No model is configured.</p>` : tenant.models.map((model) => html`<${Model} key=${model.model} tenant=${tenant.tenant} model=${model} />`)}
    </article>`)}</${Asked}>`;
}

const VERSION_LOOKS = { live: "succeeded", standby: "succeeded", failed: "failed", retired: "stopped", "rolled back": "failed" };
const VERSIONS = [
  ["Version", (row) => row.version],
  ["Status", (row) => html`<${Word} word=${row.live ? "live" : row.status} looks=${VERSION_LOOKS} />`],
  ["Error", (row) => row.error && html`<code title=${row.error.message}>${row.error.code}</code>`],
  ["Candidate", (row) => row.candidate],
  ["Created", (row) => html`<${Moment} at=${row.created_at} />`, "number"],
  ["Live since", (row) => html`<${Moment} at=${row.promoted_at} />`, "number"],
  ["Answers", (row) => row.served.requests, "number"],
  ["Failures", (row) => row.served.failures, "number"],
  ["Mean", (row) => row.served.mean_ms == null ? "" : `${Math.round(row.served.mean_ms)} ms`, "number"],
];

function Model({ tenant, model }) {
  return html`<section>
    <h3>${model.model}</h3>
    <p>${model.live_version ? html`Answers with <strong>${model.live_version}</strong>.` : "No version is live."} Predicts <strong>${model.settings.target}</strong>.
      ${" "}<a href=${to("executions", { tenant, model: model.model })}>Executions</a></p>
    <${Table} caption="Versions of ${model.model}, the newest first" hidden columns=${VERSIONS} rows=${model.versions.map((version) => ({ key: version.version, ...version }))} empty="It has no version yet." />
    <details><summary>Settings</summary><${Payload} text=${JSON.stringify(model.settings)} label="Settings of ${model.model}" /></details>
  </section>`;
}

const ENDPOINT_LOOKS = { InService: "succeeded", Failed: "failed", OutOfService: "failed" };
const ENDPOINTS = [
  ["Account", (row) => row.account_id],
  ["Endpoint", (row) => row.endpoint],
  ["Status", (row) => html`<${Word} word=${row.status} looks=${ENDPOINT_LOOKS} />`],
  ["Version", (row) => row.version],
  ["Tenant", (row) => row.tenant],
  ["Created", (row) => html`<${Moment} at=${row.created_at} />`, "number"],
];

export function Endpoints() {
  const tenants = useAsked("tenants").found ?? [];
  const owner = (endpoint) => {
    for (const tenant of tenants) for (const model of tenant.models) for (const version of model.versions) if (version.endpoint === endpoint) return { tenant: tenant.tenant, version: `${model.model} ${version.version}` };
    return { tenant: "", version: "" };
  };
  return html`<h1>Endpoints</h1><p>In the stack's own account and in those of all tenants. Ours should have none: models answer in their customer's account.</p>
    <${Asked} asked=${useAsked("endpoints")}>${(rows) => html`<${Table} caption="Endpoints" hidden columns=${ENDPOINTS} rows=${rows.map((row) => ({ key: row.account_id + row.endpoint, ...row, ...owner(row.endpoint) }))} empty="There is no endpoint in any account." />`}</${Asked}>`;
}

const GRANTS = [
  ["Execution", (row) => row.execution],
  ["Kind", (row) => row.kind],
  ["Role", (row) => html`<code>${row.role_arn}</code>`],
  ["May read", (row) => html`<code>${row.path}</code>`],
  ["Until", (row) => html`<${Moment} at=${row.expires_at} />`, "number"],
];

export function Grants() {
  return html`<h1>Grants</h1><p>Rights of customers' roles to read in our staging bucket. Each ends with what needs it.</p>
    <${Asked} asked=${useAsked("grants")}>${(rows) => html`<${Table} caption="Grants that stand" hidden columns=${GRANTS} rows=${rows.map((row) => ({ key: row.execution, ...row }))} empty="No grant stands: no customer's role can read anything of ours." />`}</${Asked}>`;
}

const REFUSED = [
  ["Uploaded", (row) => html`<${Moment} at=${row.uploaded_at} />`, "number"],
  ["Tenant", (row) => row.tenant === "-" ? "nobody" : row.tenant],
  ["File", (row) => html`<code>${row.key}</code>`],
  ["Why", (row) => html`<code>${row.error.code}</code> ${row.error.message}`, "prose"],
];

export function Uploads() {
  return html`<h1>Uploads that came to no training</h1>
    <${Asked} asked=${useAsked("uploads")}>${(found) => html`
      <p class=${found.dead_letters ? "banner failed" : ""}>Events in the dead-letter queue: <strong>${found.dead_letters}</strong>${found.dead_letters ? ". Fix the cause, then redrive the queue." : ""}</p>
      <${Table} caption="Uploads that came to no training, the newest first" hidden columns=${REFUSED} rows=${found.refused.map((row) => ({ key: row.execution, ...row }))} empty="Every upload came to a training." />
    `}</${Asked}>`;
}

export function Receipts({ query, go }) {
  const tenants = (useAsked("tenants").found ?? []).map((each) => each.tenant);
  const tenant = query.tenant || tenants[0];
  return html`<h1>Receipts</h1><p>Every call that we made in a customer's account, in chains whose hashes show an alteration.</p>
    <div class="narrow"><label for="whose">Tenant</label> <select id="whose" value=${tenant} onChange=${(event) => go("receipts", { tenant: event.target.value })}>${tenants.map((name) => html`<option key=${name} value=${name} selected=${name === tenant}>${name}</option>`)}</select></div>
    ${tenant && html`<${Chains} key=${tenant} tenant=${tenant} chosen=${query.chain} />`}`;
}

function Chains({ tenant, chosen }) {
  const columns = [
    ["Receipt", (row) => html`<a href=${to("receipts", { tenant, chain: row.chain })} aria-current=${row.chain === chosen ? "true" : undefined}>${row.chain}</a>`],
    ["Calls", (row) => row.count, "number"],
    ["Hash of the last", (row) => html`<code title=${row.head}>${row.head.slice(0, 16)}…</code>`],
  ];
  return html`${chosen && html`<${Receipt} key=${chosen} tenant=${tenant} chain=${chosen} />`}
    <${Asked} asked=${useAsked("receipts", { tenant })}>${(rows) => html`<h2>All receipts</h2><${Table} caption="Receipts of ${tenant}" hidden columns=${columns} rows=${rows.map((row) => ({ key: row.chain, ...row }))} empty="Nothing was called in this customer's account yet." />`}</${Asked}>`;
}

const ENTRIES = [
  ["#", (row) => row.number, "number"],
  ["Time", (row) => html`<${Moment} at=${row.time} />`, "number"],
  ["Call", (row) => row.action],
  ["On", (row) => html`<code>${row.resource}</code>`],
  ["Outcome", (row) => row.outcome],
  ["Times", (row) => row.count, "number"],
];

function Receipt({ tenant, chain }) {
  return html`<h2>${chain}</h2><${Asked} asked=${useAsked("receipt", { tenant, chain })}>${(found) => html`
    <p class="banner ${found.faults.length ? "failed" : "succeeded"}">${found.faults.length ? `Altered: ${found.faults.join("; ")}` : `${found.count} calls, whole and unaltered.`}</p>
    <${Table} caption="Calls of ${chain}" hidden columns=${ENTRIES} rows=${found.entries.map((row) => ({ key: row.number, ...row }))} empty="No call is on it." />`}</${Asked}>`;
}
