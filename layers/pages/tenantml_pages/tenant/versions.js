// A model's versions: compared on the rows that were held out, approved or refused, and returned to.
import { html, useEffect, useState } from "./preact.js";
import { Importance, Report } from "./details.js";
import { Action, Badge, Failure, Table, day, figure, useAnswer } from "./widgets.js";

const isOnItsWay = (version) => !version.ended_at && !["live", "retired", "failed"].includes(version.status);
const isAwaited = (version) => version.approval && !version.approval.decision;

export function Versions({ api, model, live, changed }) {
  const load = () => api.all(["models", model, "versions"], "versions");
  const { data: versions, error, reload } = useAnswer(load, model, (found) => found.some(isOnItsWay));
  const [said, setSaid] = useState("");
  const answering = versions?.find((version) => version.live)?.version;
  useEffect(() => { if (answering && answering !== live) changed(); }, [answering]);
  if (!versions) return error ? html`<${Failure} error=${error} />` : html`<p aria-busy="true">Loading the versions</p>`;
  if (!versions.length) return html`<p>No version yet: one comes at the end of a training.</p>`;
  const done = (words) => { setSaid(words); changed(); reload(); };
  return html`
    <p role="status">${said}</p>
    ${versions.length > 1 && html`<${Comparison} versions=${versions} />`}
    ${versions.map((version) => html`<${Version} key=${version.version} api=${api} version=${version} done=${done} />`)}`;
}

/** Versions side by side, each as it was measured on its own holdout. */
function Comparison({ versions }) {
  const judged = versions.filter((version) => version.evaluation).slice(0, 6);
  const metrics = [...new Set(judged.flatMap((version) => Object.keys(version.evaluation.metrics)))];
  if (judged.length < 2) return null;
  return html`
    <section aria-labelledby="compared">
      <h2 id="compared">Compared</h2>
      <p>Each was measured on the rows held out of its own file, with the 95 % interval in which the value may truly lie.</p>
      <${Table} label="Versions compared" head=${["Metric", ...judged.map((version) => html`${version.version}${version.live && html` <${Badge} tone="live">live<//>`}`)]}>
        ${metrics.map((metric) => html`<tr><th scope="row">${metric}${judged[0].evaluation.objective === metric ? " (objective)" : ""}</th>
          ${judged.map((version) => html`<td>${estimated(version.evaluation.metrics[metric])}</td>`)}</tr>`)}
      <//>
    </section>`;
}

const estimated = (found) => (found ? html`${figure(found.value)} <small>${figure(found.low)} to ${figure(found.high)}</small>` : "–");

function Version({ api, version, done }) {
  const { error, verdict, evaluation, live, status } = version;
  return html`
    <article class="version" aria-labelledby=${version.version}>
      <h2 id=${version.version}>${version.version} <${Badge} tone=${live ? "live" : error ? "failed" : isOnItsWay(version) ? "running" : ""}>${live ? "live" : status}<//></h2>
      <p><small>Asked for on ${day(version.created_at)}${version.promoted_at && ` · first answered ${day(version.promoted_at)}`}${version.candidate && ` · candidate ${version.candidate}`}</small></p>
      ${error && html`<p class="note bad"><strong>${error.code}</strong> <span>${error.message}</span></p>`}
      ${verdict && html`<ul class="verdict">${verdict.sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`}
      ${evaluation && html`<${Measured} evaluation=${evaluation} />`}
      ${isAwaited(version) && html`<${Approval} api=${api} version=${version} done=${done} />`}
      ${version.approval?.decision && html`<p>Decision: <strong>${version.approval.decision}</strong>${version.approval.reason && `, “${version.approval.reason}”`} <small>${day(version.approval.decided_at)}</small></p>`}
      <div class="actions">
        <${Report} api=${api} version=${version} />
        ${version.promoted_at && !live && html`<${Action} class="outline" act=${() => goBack(api, version, done)}>Return to this version<//>`}
      </div>
      <${Importance} api=${api} version=${version} />
    </article>`;
}

async function goBack(api, version, done) {
  const answered = await api.call("PUT", ["models", version.model, "live-version"], { json: { version: version.version } });
  done(answered.live ? `${answered.version} answers again.` : `${version.version} is being deployed anew, as ${answered.version}; the live version answers meanwhile.`);
}

/** The objective of a version, next to a naive baseline and the version that was live. */
function Measured({ evaluation }) {
  const { objective, metrics, baseline, live, rows } = evaluation;
  return html`
    <p><strong>${objective} ${figure(metrics[objective]?.value)}</strong> on ${rows.toLocaleString()} rows that it had not seen
      ${baseline && html` · always the same answer: ${figure(baseline.value)}`}${live && html` · the version before it: ${figure(live.value)}`}</p>
    <details><summary>All metrics</summary>
      <${Table} label="Metrics" head=${["Metric", "Value", "Lowest", "Highest"]}>
        ${Object.entries(metrics).map(([name, found]) => html`<tr><th scope="row">${name}</th><td>${figure(found.value)}</td><td>${figure(found.low)}</td><td>${figure(found.high)}</td></tr>`)}
      <//>
    </details>`;
}

function Approval({ api, version, done }) {
  const [reason, setReason] = useState("");
  const decide = (decision, words) => async () => {
    await api.call("PUT", ["models", version.model, "versions", version.version, "approval"], { json: { decision, ...(reason && { reason }) } });
    done(`${version.version} is ${words}.`);
  };
  return html`
    <div class="note busy"><p><strong>Your decision is asked for</strong>, until ${day(version.approval.until)}. Then its endpoint goes.</p>
      <label>Why (your colleagues can read it)<input value=${reason} maxlength="200" onInput=${(event) => setReason(event.target.value)} /></label>
      <div class="actions"><${Action} act=${decide("approve", "approved")}>Approve<//><${Action} class="outline" act=${decide("refuse", "refused")}>Refuse<//></div>
    </div>`;
}
