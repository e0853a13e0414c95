// All models, and a new one from a file.
import { html, useEffect, useRef, useState } from "./preact.js";
import { NextFile } from "./training.js";
import { DropZone, columnsOf } from "./upload.js";
import { Failure, Standing, Title, day, link, useAnswer } from "./widgets.js";

export function Models({ api }) {
  const { data: models, error } = useAnswer(() => api.all(["models"], "models"), "models");
  return html`
    <${Title}>Models<//>
    <${Failure} error=${error} />
    ${!models ? !error && html`<p aria-busy="true">Loading your models</p>` : html`
      <ul class="cards">
        ${models.map((model) => html`
          <li key=${model.model}><article>
            <h2><a href=${link("models", model.model)}>${model.model}</a></h2>
            <p>Predicts <strong>${model.settings.target}</strong></p>
            <p><${Standing} model=${model} /></p>
            <small>Settings changed ${day(model.updated_at)}</small>
          </article></li>`)}
      </ul>
      <${NewModel} api=${api} models=${models} />`}`;
}

/** From a file to a model: its name and the column to predict, then what its first training can cost, then the training. */
function NewModel({ api, models }) {
  const [file, setFile] = useState(null);
  const [columns, setColumns] = useState([]);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const [created, setCreated] = useState("");
  const next = useRef();
  useEffect(() => { if (created) next.current.focus(); }, [created]);
  const choose = async (chosen) => {
    setError(null);
    setFile(chosen);
    setColumns(await columnsOf(chosen));
  };
  const create = async (event) => {
    event.preventDefault();
    const { model, target } = Object.fromEntries(new FormData(event.target));
    setError(null);
    setBusy(true);
    try {
      await api.call("PUT", ["models", model], { json: { target }, headers: { "if-none-match": "*" } });
      setCreated(model);
    } catch (refusal) {
      setError(refusal.status === 412 ? { code: "NameTaken", message: `You have a model ${model} already: open it to train it again, or choose another name.` } : refusal);
    }
    setBusy(false);
  };
  if (created) return html`<div class="after" tabindex="-1" ref=${next}>
    <${NextFile} api=${api} model=${created} first=${file} sent=${() => { location.hash = link("models", created); }} /></div>`;
  return html`
    <section aria-labelledby="new-model">
      <h2 id="new-model">${models.length ? "A new model" : "Your first model"}</h2>
      <${DropZone} choose=${choose} file=${file} busy=${busy} />
      ${file && html`
        <form onSubmit=${create}>
          <div class="grid">
            <div><label for="name">Name</label>
              <input id="name" name="model" required pattern="[a-z]([a-z0-9\\-]{0,28}[a-z0-9])?" maxlength="30" defaultValue=${nameOf(file)} aria-describedby="name-note" />
              <small id="name-note">Small letters, digits and hyphens; your apps call it by this name.</small></div>
            <div><label for="target">Column to predict</label>
              <select id="target" name="target" required aria-describedby="target-note">
                ${columns.map((column, number) => html`<option value=${column} selected=${number === columns.length - 1}>${column}</option>`)}
              </select>
              <small id="target-note">It needs at least 500 rows where this column is filled.</small></div>
          </div>
          <div class="actions"><button aria-busy=${busy} disabled=${busy} aria-describedby="create-note">Create the model</button>
            <small id="create-note">Nothing is spent yet: what its training can cost comes next.</small></div>
        </form>`}
      <${Failure} error=${error} />
    </section>`;
}

const nameOf = (file) => file.name.replace(/\.csv$/i, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, 30);
