// The pipeline of a model's uploads: the newest one state by state, its advice and outcome, those before, and the next file.
import { html, useEffect, useState } from "./preact.js";
import { Quote, TrainingCost } from "./costs.js";
import { AFTER_A_FAILURE, Stages } from "./stages.js";
import { DropZone, useSending } from "./upload.js";
import { Badge, Failure, Table, count, day, figure, link, size, useAnswer } from "./widgets.js";

const SHOWN = 20;
const BAKING = ["Bake", "CheckBake", "IsBakeOver"];

const isRunning = (execution) => execution?.status === "running";

export function Training({ api, model, changed }) {
  const [expected, setExpected] = useState(null);
  const load = async () => {
    const executions = (await api.all(["executions"], "executions", { model, limit: SHOWN }, SHOWN)).slice(0, SHOWN);
    const newest = executions[0] && (await api.call("GET", ["executions", executions[0].execution]));
    return { newest, before: executions.slice(1) };
  };
  const isAwaited = ({ newest }) => !newest || isRunning(newest) || (expected && newest.upload.key !== expected.key) || (expected && newest.execution === expected.after);
  const { data, error, reload } = useAnswer(load, model, isAwaited);
  const newest = data?.newest;
  useEffect(() => { if (newest) changed(); }, [newest?.execution, newest?.status, newest?.state]); // it is live before its bake is over
  return html`
    <${Failure} error=${error} />
    ${!data ? !error && html`<p aria-busy="true">Loading the training</p>` : html`
      ${newest ? html`<${Execution} execution=${newest} model=${model} />` : html`<p role="status">No file has arrived yet.</p>`}
      <${NextFile} api=${api} model=${model} sent=${(key) => { setExpected({ key, after: newest?.execution }); reload(); }} />
      ${data.before.length > 0 && html`<${Before} executions=${data.before} />`}`}`;
}

function Execution({ execution, model }) {
  const { status, training, rows, error, advice, version } = execution;
  return html`
    <section aria-labelledby="pipeline">
      <h2 id="pipeline">${isRunning(execution) ? "In the pipeline" : "Last training"} <${Badge} tone=${status}>${status}<//></h2>
      <p><small>${fileOf(execution)}, ${size(execution.upload.size_bytes)}, of ${day(execution.upload.uploaded_at)}
        ${rows && html` · ${count(rows.train)} rows to train on, ${count(rows.holdout)} held out to judge by`}</small></p>
      ${error && html`<div role="alert" class="note bad"><strong>${error.code}</strong> <span>${error.message}</span></div>`}
      <${Stages} of=${execution} />
      <p role="status">${saidOf(execution)}</p>
      <${TrainingCost} execution=${execution} />
      ${status === "succeeded" && version && html`<p class="next"><a href=${link("models", model, "versions")}>See the version</a> <a href=${link("models", model, "predict")}>Try a prediction</a></p>`}
      ${training?.candidates?.length > 0 && html`<${Candidates} training=${training} />`}
    </section>
    ${(advice.length > 0 || !error) && html`<${Advice} advice=${advice} done=${rows} />`}`;
}

function saidOf({ status, training, state }) {
  if (status === "succeeded") return "The best candidate was deployed and judged.";
  if (status !== "running") return "";
  if (BAKING.includes(state)) return "It answers already. For a while it is compared with the version before, and rolled back if it fails more.";
  if (AFTER_A_FAILURE.includes(state)) return "Something failed: what was begun is being cleaned up.";
  const tried = training?.candidates?.length;
  const waits = state === "AwaitApproval" ? "Somebody has to approve the version: see Versions." : "";
  return waits || (tried ? `${candidates(tried)} tried so far.` : "This page follows by itself.");
}

const Candidates = ({ training }) => html`
  <details><summary>${candidates(training.candidates.length)}, ranked by ${training.objective?.name || "the objective"}</summary>
    <${Table} label="Candidates" head=${["Candidate", training.objective?.name || "Value", "Status"]}>
      ${training.candidates.map((found) => html`<tr><th scope="row">${found.name}</th><td>${figure(found.value)}</td><td>${found.status}</td></tr>`)}
    <//>
  </details>`;

const Advice = ({ advice, done }) => html`
  <section aria-labelledby="advice">
    <h2 id="advice">Advice about your file</h2>
    ${advice.length ? html`<ul class="advice">${advice.map((found) => html`
      <li><strong>${found.column || found.rule}</strong> <span>${found.message}</span>${found.column && html` <small>${found.rule}</small>`}</li>`)}</ul>`
    : html`<p>${done ? "Nothing that looks like a mistake was found." : "It comes when the file has been checked."}</p>`}
  </section>`;

/** A file to train the model from, `first` where one is chosen already, with what that can cost. */
export function NextFile({ api, model, first = null, sent }) {
  const [file, setFile] = useState(first);
  const { share, failure, send } = useSending();
  const train = () => send((tell) => api.upload(model, file, tell), (key) => { setFile(null); sent(key); });
  return html`
    <section aria-labelledby="next-file">
      <h2 id="next-file">${first ? `Train ${model}` : "Train from a new file"}</h2>
      <${DropZone} choose=${setFile} file=${file} busy=${share !== null} />
      ${file && html`<${Quote} api=${api} model=${model} />
        <button aria-busy=${share !== null} disabled=${share !== null} onClick=${train}>Train</button>`}
      ${share !== null && html`<label>Sending the file <progress value=${share} max="1" /></label>`}
      <${Failure} error=${failure} />
    </section>`;
}

const Before = ({ executions }) => html`
  <section aria-labelledby="before">
    <h2 id="before">Before</h2>
    <${Table} label="Earlier uploads" head=${["Uploaded", "File", "Outcome", "Why"]}>
      ${executions.map((found) => html`<tr><th scope="row">${day(found.upload.uploaded_at)}</th><td>${fileOf(found)}</td>
        <td><${Badge} tone=${found.status}>${found.status}<//></td><td>${found.error ? html`<strong>${found.error.code}</strong> ${found.error.message}` : ""}</td></tr>`)}
    <//>
  </section>`;

const candidates = (number) => `${number} ${number === 1 ? "candidate" : "candidates"}`;
const fileOf = ({ upload }) => upload.key.split("/").slice(2).join("/");
