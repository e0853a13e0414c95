// What things cost in the customer's own account: before they are begun, and after.
import { html } from "./preact.js";
import { Failure, Table, count, lasting, useAnswer } from "./widgets.js";

const CENTS = { style: "currency", currency: "USD" };

/** Dollars as the API says them: text with six decimals, or null for what nobody knows. */
export function dollars(text, digits = 2) {
  if (text == null) return "not known";
  const amount = Number(text), least = 10 ** -digits;
  const shown = (number) => number.toLocaleString(undefined, { ...CENTS, minimumFractionDigits: Math.min(2, digits), maximumFractionDigits: digits });
  return amount > 0 && amount < least ? `less than ${shown(least)}` : shown(amount);
}

const hourly = (text) => `${dollars(text, 3)} an hour`;
const pricesOf = ({ region, prices }) => (prices.oldest ? ` Prices of ${region}, the oldest of ${prices.oldest}.` : "");

const useQuote = (api, model) => useAnswer(() => api.call("GET", ["models", model, "quote"]), model);

/** The most that a training and the endpoint after it can cost, before anything is spent. */
export function Quote({ api, model }) {
  const { data: quote, error } = useQuote(api, model);
  if (!quote) return error ? html`<${Failure} error=${error} />` : html`<p aria-busy="true">Asking what it can cost</p>`;
  const { training, endpoint } = quote;
  return html`
    <section class="quote" aria-label="What it can cost">
      <dl>
        <div><dt>This training, at most</dt><dd><strong>${dollars(training.worst_case_usd)}</strong>
          <small>${training.reason || `${training.instances} × ${training.instance_type} for ${lasting(training.seconds)}; as a rule a small part of it`}</small></dd></div>
        <div><dt>Its endpoint, then</dt><dd><strong>${hourly(endpoint.usd_per_hour)}</strong>
          <small>${endpoint.reason || endpointOf(endpoint)}</small></dd></div>
      </dl>
      <small>Its time in seconds: ${training.seconds_from}. ${quote.note}.${pricesOf(quote)}</small>
    </section>`;
}

function endpointOf(endpoint) {
  if (endpoint.serverless_memory_mb) return `serverless, ${count(endpoint.serverless_memory_mb)} MB: only while it answers`;
  const most = `at most ${hourly(endpoint.worst_case_usd_per_hour)}, ${dollars(endpoint.worst_case_usd_per_month, 0)} a month`;
  const counts = endpoint.max_count > endpoint.count ? `${endpoint.count} to ${endpoint.max_count}` : endpoint.count;
  return `${counts} × ${endpoint.instance_types[0]} until you pause the model; ${most}`;
}

/** The price of a model's endpoint, in a sentence that begins as asked for. */
export function EndpointPrice({ api, model, begins = "Its endpoint costs" }) {
  const { data: quote } = useQuote(api, model);
  if (!quote) return null;
  const { usd_per_hour: usd, worst_case_usd_per_hour: most, serverless_memory_mb: memory, count: least, max_count: instances } = quote.endpoint;
  return html`<small>${begins} ${hourly(usd)} in your AWS account${memory ? " while it answers" : ""}${instances > least && `, and at most ${hourly(most)} with ${instances} instances`}.</small>`;
}

/** What a training cost, next to what it was quoted at most. */
export function TrainingCost({ execution: { cost, quote } }) {
  if (!cost) return null;
  const most = quote?.training.worst_case_usd;
  return html`<p><small>It cost <strong>${dollars(cost.training_usd)}</strong> in your AWS account, for ${lasting(cost.training_seconds)} of instance time${most && ` (quoted: ${dollars(most)} at most)`}; ${cost.note}.</small></p>`;
}

/** This month until now, in all and by model, and what is left of the budget. */
export function Spending({ spending }) {
  const { models, caps, committed_usd: committed } = spending;
  const month = new Date(`${spending.month}-15`).toLocaleString(undefined, { month: "long", year: "numeric" });
  const parts = [spending.training.usd, spending.batch.usd, spending.endpoint.usd];
  const total = parts.includes(null) ? null : parts.reduce((sum, usd) => sum + Number(usd), 0);
  const remarks = models.some((model) => model.reason);
  const row = (name, spent) => html`<tr><th scope="row">${name}</th><td>${amount(spent.training)}</td><td>${amount(spent.batch)}</td><td>${amount(spent.endpoint)}</td>${remarks && html`<td>${spent.reason}</td>`}</tr>`;
  return html`
    <section aria-labelledby="cost"><h2 id="cost">Cost in ${month}</h2>
      <p><strong class="large">${dollars(total)}</strong> until now, in your own AWS account${spending.trainings_running + spending.batches_running > 0 && `; ${dollars(committed)} if what runs costs the most that it can`}.</p>
      <${Budget} most=${caps.monthly_budget_usd} committed=${committed} />
      ${models.length > 0 && html`<${Table} label="Cost of this month by model" head=${["Model", "Trainings", "Batches", "Endpoints", ...(remarks ? ["Remarks"] : [])]}>
        ${models.map((model) => row(model.model, model))}
        ${models.length > 1 && row("All", spending)}
      <//>`}
      ${spending.saved.seconds > 0 && html`<p>Pauses have saved <strong>${dollars(spending.saved.usd)}</strong> of endpoints.</p>`}
      <p>${trained(spending, caps)}</p>
      <p><small>${spending.note}. Storage and requests are not in it. A month begins and ends in UTC.</small></p>
    </section>`;
}

const amount = ({ usd, seconds }) => html`${dollars(usd)}${seconds > 0 && html` <small>· ${lasting(seconds)}</small>`}`;

const Budget = ({ most, committed }) => most != null && html`
  <p>Budget of the month: <strong>${dollars(most, 0)}</strong>, which counts what runs at the most that it can cost.${" "}
    ${committed != null && html`<meter min="0" max=${most || 1} value=${Number(committed)} aria-label="Budget used" /> ${dollars(committed)} used`}</p>`;

function trained({ trainings_today: today, trainings_running: running }, caps) {
  const of = (number, most, words) => `${count(number)}${most == null ? "" : ` of ${count(most)}`} ${words}`;
  return `Trainings: ${of(today, caps.trainings_per_day, "begun today")}, ${of(running, caps.max_concurrent_trainings, "running now")}.`;
}
