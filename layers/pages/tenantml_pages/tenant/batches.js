// Files of rows to predict: the next one, the newest step by step, those before, and their results.
import { html, useState } from "./preact.js";
import { AFTER_A_FAILURE, BATCH_STAGES, Stages } from "./stages.js";
import { DropZone, useSending } from "./upload.js";
import { Action, Badge, Failure, Table, count, day, link, useAnswer } from "./widgets.js";

const SHOWN = 20;
const NOTE = "The columns of the training without the one to predict, up to 2 GiB. Its first line names them.";
const isRunning = (batch) => batch?.status === "running";

export function Batches({ api, model, live, paused }) {
  const [expected, setExpected] = useState(null);
  const load = async () => (await api.all(["models", model, "batches"], "batches", { limit: SHOWN }, SHOWN)).slice(0, SHOWN);
  const hasCome = (batches) => batches.some((batch) => batch.batch === expected);
  const { data: batches, error, reload } = useAnswer(load, model, (found) => found.some(isRunning) || (expected && !hasCome(found)));
  const isAwaited = batches && expected && !hasCome(batches);
  return html`
    <${Failure} error=${error} />
    ${!batches ? !error && html`<p aria-busy="true">Loading the batches</p>` : html`
      <p role="status">${isAwaited ? "The file is there: its batch begins." : !batches.length && "No file of rows has been predicted yet."}</p>
      ${batches.length > 0 && html`<${Newest} api=${api} batch=${batches[0]} />`}`}
    <${NextBatch} api=${api} model=${model} live=${live} paused=${paused} sent=${(batch) => { setExpected(batch); reload(); }} />
    ${batches?.length > 1 && html`<${Before} api=${api} batches=${batches.slice(1)} />`}`;
}

/** A file, and the version that predicts it: no endpoint is needed, so it may be one that is not live. While the model
 * is paused it is the one that answered, unless another is chosen. */
function NextBatch({ api, model, live, paused, sent }) {
  const { data: versions, error } = useAnswer(() => api.all(["models", model, "versions"], "versions"), `${model} ${live}`);
  const [file, setFile] = useState(null);
  const [version, setVersion] = useState("");
  const { share, failure, send } = useSending();
  if (!versions) return error ? html`<${Failure} error=${error} />` : html`<p aria-busy="true">Loading the versions</p>`;
  const deployed = versions.filter((found) => found.plan);
  if (!deployed.length) return html`<p>Nothing can predict yet: <a href=${link("models", model)}>a training</a> comes first.</p>`;
  const others = deployed.filter((found) => !found.live);
  const chosen = version || (live ? "" : (others.find((found) => found.version === paused) || others[0]).version);
  const predict = () => send((tell) => api.batch(model, chosen, file, tell), (batch) => { setFile(null); sent(batch); });
  return html`
    <section aria-labelledby="next-batch">
      <h2 id="next-batch">Predict a file</h2>
      <p>All of its rows, in your own AWS account. That needs no endpoint and works while the model is paused; one instance of the version's type runs until it is done.</p>
      <${DropZone} choose=${setFile} file=${file} busy=${share !== null} note=${NOTE} />
      ${file && html`
        <label for="by">Version</label>
        <select id="by" value=${chosen} onChange=${(event) => setVersion(event.target.value)}>
          ${live && html`<option value="" selected=${chosen === ""}>${live} (live)</option>`}
          ${others.map((found) => html`<option value=${found.version} selected=${found.version === chosen}>${found.version} (${found.status})</option>`)}
        </select>
        <button aria-busy=${share !== null} disabled=${share !== null} onClick=${predict}>Predict</button>`}
      ${share !== null && html`<label>Sending the file <progress value=${share} max="1" /></label>`}
      <${Failure} error=${failure} />
    </section>`;
}

function Newest({ api, batch }) {
  const { error, advice, left_behind: left } = batch;
  return html`
    <section aria-labelledby="newest">
      <h2 id="newest">${isRunning(batch) ? "In progress" : "Last batch"} <${Badge} tone=${batch.status}>${batch.status}<//></h2>
      <p><small>${batch.rows != null && `${count(batch.rows)} rows · `}by ${batch.version} · begun ${day(batch.started_at)}</small></p>
      ${error && html`<div role="alert" class="note bad"><strong>${error.code}</strong> <span>${error.message}</span></div>`}
      <${Stages} of=${batch} stages=${BATCH_STAGES} />
      <p role="status">${saidOf(batch)}</p>
      ${advice.length > 0 && html`<ul class="advice">${advice.map((found) => html`<li>${found.message}</li>`)}</ul>`}
      ${left.length > 0 && html`<p class="note bad">Left behind in your account: ${left.join(", ")}</p>`}
      <${Result} api=${api} batch=${batch} />
    </section>`;
}

function saidOf({ status, state, rows }) {
  if (status === "succeeded") return `${count(rows)} rows, each with its prediction, in the order of the file.`;
  if (status !== "running") return "";
  return AFTER_A_FAILURE.includes(state) ? "Something failed: what was begun is being cleaned up." : "This page follows by itself.";
}

const isGone = ({ expires_at: until }) => until && new Date(until) < new Date();

function Result({ api, batch, class: look }) {
  if (batch.status !== "succeeded") return null;
  if (isGone(batch)) return html`<small>Deleted ${day(batch.expires_at)}</small>`;
  return html`<div class="actions"><${Action} class=${look} act=${() => download(api, batch)}>Download<//> <small>until ${day(batch.expires_at)}</small></div>`;
}

/** Ask for a link and follow it: it holds for a quarter of an hour, so none is asked for before somebody wants it. */
async function download(api, { model, batch }) {
  const { download: link } = await api.call("GET", ["models", model, "batches", batch]);
  if (!link) throw Object.assign(new Error("The result is deleted in your bucket: predict the file again."), { code: "ResultGone" });
  Object.assign(document.createElement("a"), { href: link.url, download: `${model}-${batch}.csv` }).click();
}

const Before = ({ api, batches }) => html`
  <section aria-labelledby="before">
    <h2 id="before">Before</h2>
    <${Table} label="Earlier batches" head=${["Begun", "Rows", "Version", "Outcome", "Result"]}>
      ${batches.map((batch) => html`<tr><th scope="row">${day(batch.started_at)}</th><td>${count(batch.rows)}</td><td>${batch.version}</td>
        <td><${Badge} tone=${batch.status}>${batch.status}<//></td>
        <td>${batch.error ? html`<strong>${batch.error.code}</strong> ${batch.error.message}` : html`<${Result} api=${api} batch=${batch} class="outline small" />`}</td></tr>`)}
    <//>
    ${batches.length === SHOWN - 1 && html`<p><small>The API lists those before: GET …/batches.</small></p>`}
  </section>`;
