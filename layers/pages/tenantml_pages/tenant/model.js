// One model: its training, its versions, and a prediction to try.
import { html } from "./preact.js";
import { Predict } from "./predict.js";
import { Training } from "./training.js";
import { Versions } from "./versions.js";
import { Badge, Failure, Title, link, useAnswer } from "./widgets.js";

const VIEWS = { training: "Training", versions: "Versions", predict: "Predict" };

export function Model({ api, model, view }) {
  const found = useAnswer(() => api.call("GET", ["models", model]), model);
  if (!found.data) return found.error ? html`<${Failure} error=${found.error} />` : html`<p aria-busy="true">Loading the model</p>`;
  const { settings, live_version: live } = found.data;
  const shown = { training: Training, versions: Versions, predict: Predict }[view] || Training;
  return html`
    <p class="back"><a href=${link("models")}>All models</a></p>
    <${Title}>${model}<//>
    <p>Predicts <strong>${settings.target}</strong> ${live ? html`<${Badge} tone="live">Live<//> <small>${live}</small>` : html`<${Badge}>Not live yet<//>`}</p>
    <nav aria-label="Of this model" class="views"><ul>
      ${Object.entries(VIEWS).map(([name, title]) => html`
        <li><a href=${link("models", model, name)} aria-current=${name === view ? "page" : null}>${title}</a></li>`)}
    </ul></nav>
    <${shown} key=${view} api=${api} model=${model} settings=${settings} live=${live} changed=${found.reload} />`;
}
