// The API's document as Swagger UI shows it; with a key, each model's own, filled with examples that work as they are.
"use strict";

const BASE = new URL(".", location.href);
const CSV_FILE = "text/csv; charset=utf-8"; // the same to the API as text/csv; here the one that is chosen from the disk
const SHOWN = "YOUR_API_KEY";
const said = document.getElementById("said");
const models = document.getElementById("model");
let key = "";

const ui = SwaggerUIBundle({
  dom_id: "#document",
  spec: { openapi: "3.1.0", info: { title: "TenantML", version: "" }, paths: {} },
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: false,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
  syntaxHighlight: false,
  persistAuthorization: false,
  requestInterceptor: (request) => {
    if (!key) return request;
    request.headers["x-api-key"] = SHOWN; // in the command that is shown
    request.userFetch = (url, sent) => fetch(url, { ...sent, headers: { ...sent.headers, "x-api-key": key } });
    return request;
  },
});

async function ask(path) {
  const answer = await fetch(new URL(path, BASE), { headers: key ? { "x-api-key": key } : {}, cache: "no-store" });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail || found.code);
  return found;
}

async function show() {
  const model = models.value;
  const found = await ask(model ? `models/${encodeURIComponent(model)}/openapi.json` : "openapi.json");
  found.servers = [{ url: BASE.href.replace(/\/$/, ""), description: "The API that serves this page" }];
  for (const methods of Object.values(found.paths)) for (const operation of Object.values(methods)) takeCsv(operation, found);
  ui.specActions.updateSpec(JSON.stringify(found));
}

/** Say to a screen reader what Swagger UI leaves unsaid, whenever it draws. */
function describe() {
  for (const tag of document.querySelectorAll("h3.opblock-tag")) tag.setAttribute("aria-level", "2");
  for (const title of document.querySelectorAll("h4.opblock-title")) title.setAttribute("aria-level", "3");
  for (const choice of document.querySelectorAll("select:not([aria-label]):not([id])")) choice.setAttribute("aria-label", choice.closest("tr")?.dataset.paramName || "Choice");
  for (const answer of document.querySelectorAll(".live-responses-table pre:not([tabindex])")) answer.tabIndex = 0; // they scroll
  for (const button of document.querySelectorAll(".copy-to-clipboard button:not([aria-label])")) button.setAttribute("aria-label", "Copy");
  for (const file of document.querySelectorAll("input[type=file]:not([aria-label])")) file.setAttribute("aria-label", "CSV file");
  for (const body of document.querySelectorAll("textarea:not([aria-label])")) body.setAttribute("aria-label", "Request body");
  for (const table of document.querySelectorAll("table.responses-table:not([aria-label])")) table.setAttribute("aria-label", `Responses: ${table.id}`);
}
new MutationObserver(describe).observe(document.getElementById("document"), { childList: true, subtree: true });

/** Predictions take CSV, as text and as a file: Swagger UI has a field for either. */
function takeCsv(operation, found) {
  const content = operation.operationId === "predict" && operation.requestBody.content;
  if (!content) return;
  const row = found.components.schemas.Row?.example;
  const lines = row && [Object.keys(row), Object.values(row)].map((cells) => cells.map(cellOf).join(","));
  content["text/csv"] = { schema: { type: "string", ...(row && { example: lines.join("\n") + "\n" }) } };
  content[CSV_FILE] = { schema: { type: "string", format: "binary" } };
}

const cellOf = (cell) => (cell === null ? "" : /[",\r\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));

async function listModels() {
  const names = [];
  for (let token = ""; token !== null; ) {
    const page = await ask(`models?limit=100${token && `&next_token=${encodeURIComponent(token)}`}`);
    names.push(...page.models.filter((model) => model.live_version).map((model) => model.model));
    token = page.next_token;
  }
  const chosen = models.value;
  models.replaceChildren(new Option("the whole API", ""), ...names.map((name) => new Option(name, name)));
  models.value = names.includes(chosen) ? chosen : "";
  said.textContent = names.length ? "Requests are sent with your key." : "Requests are sent with your key. No model is live yet.";
}

async function use(event) {
  event?.preventDefault();
  const entered = document.getElementById("key").value.trim();
  try {
    if (entered !== key) {
      key = entered;
      if (key) await listModels();
    }
    await show();
  } catch (error) {
    said.textContent = error.message;
  }
}

document.getElementById("choice").addEventListener("submit", use);
models.addEventListener("change", use);
use();
