// A prediction to try, in a form made from the model's own document: its columns in order, with their types and values.
import { html, useState } from "./preact.js";
import { Failure, Table, figure, percent, useAnswer } from "./widgets.js";

const MANY = 12; // fields; what is beyond them is folded

export function Predict({ api, model, live }) {
  const { data: contract, error } = useAnswer(() => api.call("GET", ["models", model, "openapi.json"]), `${model} ${live}`);
  const [answer, setAnswer] = useState(null);
  const [refusal, setRefusal] = useState(null);
  const [busy, setBusy] = useState(false);
  if (error) return error.code === "ModelNotReady" ? html`<p>Nothing is live yet: a prediction needs a version that is.</p>` : html`<${Failure} error=${error} />`;
  if (!contract) return html`<p aria-busy="true">Loading the columns</p>`;
  const row = contract.components.schemas.Row;
  const fields = Object.entries(row.properties);
  const predict = async (event) => {
    event.preventDefault();
    const values = new FormData(event.target);
    const asked = Object.fromEntries(fields.map(([name, schema], number) => [name, valueOf(values.get(`column-${number}`), schema)]));
    setBusy(true);
    setRefusal(null);
    try {
      setAnswer(await api.call("POST", ["models", model, "predictions"], { json: { rows: [asked] } }));
    } catch (refused) {
      setAnswer(null);
      setRefusal(refused);
    }
    setBusy(false);
  };
  const field = ([name, schema], number) => html`<${Field} key=${name} id=${`column-${number}`} name=${name} schema=${schema} example=${row.example[name]} />`;
  return html`
    <form onSubmit=${predict} aria-label="One row">
      <p>One row; each field is filled with a value from the training. An empty field is sent as a missing value.</p>
      <div class="fields">${fields.slice(0, MANY).map(field)}</div>
      ${fields.length > MANY && html`<details open><summary>${fields.length - MANY} more columns</summary><div class="fields">${fields.slice(MANY).map((found, number) => field(found, number + MANY))}</div></details>`}
      <button aria-busy=${busy} disabled=${busy}>Predict</button>
    </form>
    <${Failure} error=${refusal} />
    <div role="status">${answer && html`<${Prediction} answer=${answer} />`}</div>`;
}

const isNumber = (schema) => schema.type.includes("number") || schema.type.includes("integer");

/** One column: a choice where its values are known, a number where it is one. */
function Field({ id, name, schema, example }) {
  const choices = schema.type.includes("boolean") ? ["true", "false"] : schema.enum?.filter((value) => value !== null);
  const known = schema.examples || [];
  const shown = example == null ? "" : String(example);
  const common = { id, name: id, "aria-describedby": `${id}-note` };
  return html`
    <div>
      <label for=${id}>${name}</label>
      ${choices ? html`<select ...${common}><option value="">(missing)</option>${choices.map((value) => html`<option value=${value} selected=${value === shown}>${value}</option>`)}</select>`
      : html`<input ...${common} type=${isNumber(schema) ? "number" : "text"} step=${schema.type.includes("integer") ? 1 : "any"} defaultValue=${shown} list=${known.length ? `${id}-known` : null} />`}
      <small id=${`${id}-note`}>${schema.description}</small>
      ${known.length > 0 && html`<datalist id=${`${id}-known`}>${known.map((value) => html`<option value=${value} />`)}</datalist>`}
    </div>`;
}

function valueOf(text, schema) {
  if (text === "" || text == null) return null;
  if (schema.type.includes("boolean")) return text === "true";
  return isNumber(schema) ? Number(text) : text;
}

function Prediction({ answer }) {
  const [found] = answer.predictions;
  const classes = Object.entries(found.probabilities || {}).sort(([, one], [, other]) => other - one);
  return html`
    <article class="answer">
      <h2>${found.predicted_label ?? figure(found.predicted_value)}</h2>
      ${classes.length > 0 && html`<${Table} label="Probabilities" head=${["Class", "Probability"]}>
        ${classes.map(([name, share]) => html`<tr><th scope="row">${name}</th><td><meter min="0" max="1" value=${share} aria-label=${`Probability of ${name}`} /> ${percent(share)}</td></tr>`)}
      <//>`}
      ${answer.advice.length > 0 && html`<ul class="advice">${answer.advice.map((advice) => html`<li>${advice.message}</li>`)}</ul>`}
      <small>Answered by ${answer.version}</small>
    </article>`;
}
