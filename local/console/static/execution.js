// One execution: its graph, what a state was given and came to, every visit with its retries, and the logs.
import { html, useState } from "/parts/preact.js";
import { to, useAsked } from "/asking.js";
import { StateGraph, retried } from "/graph.js";
import { Asked, Moment, Payload, Status, Table, lasting, meaning } from "/shown.js";

export function Execution({ query, go }) {
  const asked = useAsked("execution", { arn: query.arn });
  return html`<${Asked} asked=${asked}>${(found) => html`<${Details} found=${found} query=${query} go=${go} />`}</${Asked}>`;
}

function Details({ found, query, go }) {
  const failed = found.states.filter((state) => state.status === "failed");
  const culprit = failed.find((state) => state.type !== "Fail") ?? failed[0];
  const chosen = query.state ?? (found.status === "FAILED" && culprit?.name) ?? undefined;
  const name = chosen || found.state || found.states.find((state) => state.start).name;
  const select = (state) => go("execution", { arn: found.arn, state });
  return html`
    <h1>${found.name}</h1>
    <p>${found.comment}</p>
    <dl class="facts">
      <${Fact} name="Status"><${Status} status=${found.status} />${found.state && html` in ${found.state}`}</${Fact}>
      <${Fact} name="State machine">${found.machine}</${Fact}>
      <${Fact} name="Tenant">${found.tenant || "nobody's"}</${Fact}>
      <${Fact} name="Model">${found.model || "all"}</${Fact}>
      <${Fact} name="Started"><${Moment} at=${found.started_at} /></${Fact}>
      ${found.ended_at && html`<${Fact} name="Ended"><${Moment} at=${found.ended_at} /></${Fact}>`}
      <${Fact} name="Duration">${lasting(found.seconds)}</${Fact}>
      <${Fact} name="Events">${found.events} of 25,000</${Fact}>
      ${found.redrives > 0 && html`<${Fact} name="Redrives">${found.redrives}</${Fact}>`}
      ${found.relatives.map((each) => html`<${Fact} key=${each.arn} name=${each.relation}><a href=${to("execution", { arn: each.arn })}>${each.name}</a> <${Status} status=${each.status} /></${Fact}>`)}
    </dl>
    ${found.error && html`<div class="banner failed"><strong><code>${found.error}</code></strong> ${found.cause}
      ${culprit && html` <a href=${to("execution", { arn: found.arn, state: culprit.name })}>Show the state that failed: ${culprit.name}</a>`}</div>`}
    <div class="beside">
      <section aria-label="Graph">
        <h2>States</h2>
        <${StateGraph} states=${found.states} transitions=${found.transitions} selected=${name} onSelect=${select} />
        <${Legend} states=${found.states} />
      </section>
      <${State} state=${found.states.find((state) => state.name === name) ?? found.states[0]} />
    </div>
    <${States} found=${found} />
    <${Visits} found=${found} />
    <div class="halves">
      <section><h2>Input</h2><${Payload} text=${found.input} label="The execution's input" /></section>
      <section><h2>Output</h2><${Payload} text=${found.output} label="The execution's output" /></section>
    </div>
    <${Logs} names=${found.logged_as} />`;
}

function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}

function Legend({ states }) {
  const present = ["current", "succeeded", "caught", "failed", "stopped", "not reached"].filter((status) => states.some((state) => state.status === status));
  return html`<p class="legend">${present.map((status) => html`<${Status} key=${status} status=${status} /> `)}<span class="quiet">Dashed: after an error. Bold: the way that was taken.</span></p>`;
}

function State({ state }) {
  return html`<section class="panel" aria-label="The chosen state">
    <h2>${state.name}</h2>
    <p>${state.comment}</p>
    <dl class="facts">
      <${Fact} name="Status"><${Status} status=${state.status} /></${Fact}>
      <${Fact} name="Type">${state.type}</${Fact}>
      ${state.visits > 0 && html`
        <${Fact} name="First entered"><${Moment} at=${state.entered_at} /></${Fact}>
        <${Fact} name="Visits">${state.visits}</${Fact}>
        <${Fact} name="Retries">${state.retries}</${Fact}>
        <${Fact} name="Time, together">${lasting(state.seconds)}</${Fact}>`}
    </dl>
    ${state.visits === 0 ? html`<p class="quiet">The execution has not come here.</p>` : html`
      ${state.error && html`<h3>Error</h3><div class="banner ${meaning(state.status).look}"><code>${state.error}</code> ${state.cause}</div>`}
      ${state.attempts.length > 1 && html`<h3>Attempts of the last visit</h3><${Table} caption="Attempts of the last visit" hidden columns=${ATTEMPTS} rows=${state.attempts.map((each, index) => ({ key: index, number: index + 1, ...each }))} />`}
      <h3>Input${state.visits > 1 ? " of the last visit" : ""}</h3><${Payload} text=${state.input} label="Input of ${state.name}" />
      <h3>Output${state.visits > 1 ? " of the last visit" : ""}</h3><${Payload} text=${state.output} label="Output of ${state.name}" />`}
  </section>`;
}

const ATTEMPTS = [
  ["Attempt", (row) => row.number, "number"],
  ["Started", (row) => html`<${Moment} at=${row.started_at} />`, "number"],
  ["Took", (row) => lasting(row.seconds), "number"],
  ["Error", (row) => row.error && html`<code title=${row.cause}>${row.error}</code>`],
];

function States({ found }) {
  const columns = [
    ["State", (row) => html`<a href=${to("execution", { arn: found.arn, state: row.name })}>${row.name}</a>`],
    ["Status", (row) => html`<${Status} status=${row.status} />`],
    ["Type", (row) => row.type],
    ["Entered", (row) => html`<${Moment} at=${row.entered_at} />`, "number"],
    ["Visits", (row) => row.visits || "", "number"],
    ["Retries", (row) => row.retries || "", "number"],
    ["Time", (row) => lasting(row.seconds), "number"],
    ["Goes on to", (row) => row.next],
    ["Error", (row) => row.error && html`<code title=${row.cause}>${row.error}</code>`],
  ];
  const next = (name) => found.transitions.filter((way) => way.from === name).map((way) => way.to + (way.kind === "catch" ? " (after an error)" : "")).join(", ");
  return html`<details>
    <summary>The graph as a table</summary>
    <${Table} caption="Every state of this machine" hidden columns=${columns} rows=${found.states.map((state) => ({ key: state.name, next: next(state.name), ...state }))} />
  </details>`;
}

function Visits({ found }) {
  const columns = [
    ["#", (row) => row.number, "number"],
    ["State", (row) => html`<a href=${to("execution", { arn: found.arn, state: row.state })}>${row.state}</a>`],
    ["Status", (row) => html`<${Status} status=${row.status} />`],
    ["Entered after", (row) => lasting((new Date(row.entered_at) - new Date(found.started_at)) / 1000), "number"],
    ["Took", (row) => lasting(row.seconds), "number"],
    ["", (row) => html`<${Bar} row=${row} found=${found} />`, "bar"],
    ["Retries", (row) => row.retries ? retried(row.retries) : "", "number"],
    ["Error", (row) => row.error && html`<code>${row.error}</code>`],
  ];
  columns[5][0] = html`<span class="unseen">When, as a bar</span>`;
  return html`<details open=${found.visits.length <= 40}>
    <summary>Times: ${found.visits.length} ${found.visits.length === 1 ? "visit" : "visits"} of states</summary>
    <${Table} caption="Visits of states, in order" hidden columns=${columns} rows=${found.visits.map((visit) => ({ key: visit.number, ...visit }))} />
  </details>`;
}

function Bar({ row, found }) {
  const whole = Math.max(found.seconds, 0.001);
  const from = (new Date(row.entered_at) - new Date(found.started_at)) / 1000;
  return html`<svg class="timeline" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class=${meaning(row.status).look} x=${Math.min(99, (from / whole) * 100)} y="1" height="6" width=${Math.max(0.8, (row.seconds / whole) * 100)} />
  </svg>`;
}

const LINES = [
  ["Time", (row) => html`<${Moment} at=${new Date(row.time).toISOString()} />`, "number"],
  ["Level", (row) => html`<span class=${row.level === "ERROR" ? "status failed" : row.level === "WARNING" ? "status caught" : ""}>${row.level ?? ""}</span>`],
  ["State", (row) => row.state ?? ""],
  ["Message", (row) => html`${row.message}${row.code && html` <code>${row.code}</code>`} ${row.reason ?? ""}`],
  ["Line", (row) => html`<details><summary>whole</summary><${Payload} text=${row.line} label="The whole line" /></details>`],
];

function Logs({ names }) {
  const [open, setOpen] = useState(false);
  return html`<details onToggle=${(event) => event.target === event.currentTarget && setOpen(event.currentTarget.open)}>
    <summary>Logs that name ${names.join(" or ")}</summary>
    ${open && html`<${Lines} names=${names.join()} />`}
  </details>`;
}

function Lines({ names }) {
  const asked = useAsked("logs", { names });
  return html`<${Asked} asked=${asked}>${(lines) => html`<${Table} caption="What the functions logged" hidden columns=${LINES} rows=${lines.map((line, index) => ({ key: index, ...line }))} empty="No function has logged anything that names it." />`}</${Asked}>`;
}
