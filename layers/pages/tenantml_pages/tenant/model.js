// One model: its training, its versions, and a prediction to try.
import { html } from "./preact.js";
import { Batches } from "./batches.js";
import { EndpointPrice } from "./costs.js";
import { Predict } from "./predict.js";
import { Training } from "./training.js";
import { Versions } from "./versions.js";
import { Action, Failure, Standing, Title, day, link, useAnswer } from "./widgets.js";

const VIEWS = { training: "Training", versions: "Versions", predict: "Predict", batches: "Batches" };

export function Model({ api, model, view }) {
  const found = useAnswer(() => api.call("GET", ["models", model]), model, ({ state }) => ["paused", "resuming"].includes(state.status));
  if (!found.data) return found.error ? html`<${Failure} error=${found.error} />` : html`<p aria-busy="true">Loading the model</p>`;
  const { settings, live_version: live } = found.data;
  const shown = { training: Training, versions: Versions, predict: Predict, batches: Batches }[view] || Training;
  return html`
    <p class="back"><a href=${link("models")}>All models</a></p>
    <${Title}>${model}<//>
    <p>Predicts <strong>${settings.target}</strong> <${Standing} model=${found.data} /></p>
    <div><${Pause} api=${api} model=${model} state=${found.data.state} changed=${found.reload} /></div>
    <nav aria-label="Of this model" class="views"><ul>
      ${Object.entries(VIEWS).map(([name, title]) => html`
        <li><a href=${link("models", model, name)} aria-current=${name === view ? "page" : null}>${title}</a></li>`)}
    </ul></nav>
    <${shown} key=${view} api=${api} model=${model} settings=${settings} live=${live} paused=${found.data.state.paused_version} changed=${found.reload} />`;
}

/** A pause removes the endpoint, which is what costs while nobody calls; what it was made of stays. */
function Pause({ api, model, state, changed }) {
  const put = (paused) => async () => {
    await api.call("PUT", ["models", model, "state"], { json: { paused } });
    changed();
  };
  if (state.status === "empty") return null;
  if (state.status === "live") return html`
    <details><summary>Pause this model</summary>
      <p>Its endpoint is removed from your account, and costs nothing from then on. Until you resume it, which takes minutes, nothing answers. The model and its training stay. <${EndpointPrice} api=${api} model=${model} /></p>
      <div class="actions"><${Action} class="outline" act=${put(true)}>Pause<//></div>
    </details>`;
  return html`
    <div class="note busy" role="status"><p><strong>${state.status === "paused" ? "Paused" : "Resuming"}</strong> ${state.status === "paused" ? `since ${day(state.paused_at)}: nothing answers, and no endpoint costs.` : "Its endpoint is being made anew, which takes minutes."} <${EndpointPrice} api=${api} model=${model} begins="Once resumed, it costs" /></p>
      ${state.error && html`<p>It could not be resumed. <strong>${state.error.code}</strong>: ${state.error.message}</p>`}
      <div class="actions">${state.status === "paused" ? html`<${Action} act=${put(false)}>Resume<//>` : html`<${Action} class="outline" act=${put(true)}>Pause again<//>`}</div>
    </div>`;
}
