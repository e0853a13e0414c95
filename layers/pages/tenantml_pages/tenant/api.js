// The API as everybody calls it. The key is in this closure alone: never stored, never in an address.

const BASE = new URL("../", import.meta.url);
const FORM_BYTES = 5 * 1024 ** 3; // of one form; what is larger goes in parts
const PARTS_AT_ONCE = 20; // whose addresses are asked for: they end after half an hour
const ANSWER_SECONDS = 40; // API Gateway ends a request after 29
const PATIENCE = 3; // how often a request that may be repeated is repeated when the API asks to wait

/** A refusal of the API (RFC 9457): a stable code, and words. */
export class Refusal extends Error {
  constructor(code, detail, status = 0) {
    super(detail);
    this.code = code;
    this.status = status;
  }
}

export function open(key) {
  async function call(method, path, { json, query, headers } = {}) {
    const url = new URL(path.map(encodeURIComponent).join("/"), BASE);
    for (const [name, value] of Object.entries(query || {})) if (value != null) url.searchParams.set(name, value);
    const sent = { "x-api-key": key, accept: "application/json", ...headers };
    if (json !== undefined) sent["content-type"] = "application/json";
    const request = { method, headers: sent, body: json === undefined ? undefined : JSON.stringify(json), cache: "no-store" };
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) }).catch(() => null);
      if (answer?.ok) return answer.headers.get("content-type")?.includes("json") ? answer.json() : answer.text();
      const mayRepeat = method === "GET" && attempt < PATIENCE && (!answer || [429, 503].includes(answer.status));
      if (!mayRepeat) throw answer ? await refusalOf(answer) : new Refusal("Unreachable", "The API does not answer. Check your connection, then try again.");
      await pause(Number(answer?.headers.get("retry-after") || 2));
    }
  }

  /** All rows of a list; or those of its pages until there are `enough`. */
  async function all(path, name, query, enough = Infinity) {
    const rows = [];
    for (let token; ; ) {
      const page = await call("GET", path, { query: { ...query, next_token: token } });
      rows.push(...page[name]);
      if (!(token = page.next_token) || rows.length >= enough) return rows;
    }
  }

  /** Send a file through the API's form, or in parts when it is larger; returns the upload's key. */
  async function upload(model, file, tell) {
    const inParts = file.size > FORM_BYTES;
    const json = { file_name: file.name, ...(inParts && { size_bytes: file.size, multipart: true }) };
    const made = await call("POST", ["models", model, "uploads"], { json });
    if (made.url) await sendForm(made, file, tell);
    else await sendParts(["models", model, "uploads", made.upload], file, tell);
    return made.key;
  }

  /** Send a file of rows to predict, by one version or the live one; returns the batch. */
  async function batch(model, version, file, tell) {
    const made = await call("POST", ["models", model, "batches"], { json: { ...(file.size > 0 && { size_bytes: file.size }), ...(version && { version }) } });
    await sendForm(made.form, file, tell);
    return made.batch;
  }

  async function sendParts(path, file, tell) {
    let sent = 0;
    for (let token; ; ) {
      const page = await call("GET", [...path, "parts"], { query: { limit: PARTS_AT_ONCE, next_token: token } });
      for (const part of page.parts) {
        await send("PUT", part.url, file.slice(sent, sent + part.size_bytes), (share) => tell((sent + share * part.size_bytes) / file.size));
        sent += part.size_bytes;
      }
      if (!(token = page.next_token)) break;
    }
    await call("POST", [...path, "completion"]);
  }

  let contract;

  /** Whether this API has a path; asked once. */
  async function offers(path) {
    contract ||= call("GET", ["openapi.json"]);
    return path in (await contract).paths;
  }

  return { call, all, batch, offers, upload };
}

function sendForm({ url, fields }, file, tell) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  return send("POST", url, form, tell);
}

/** Send to the bucket, with progress, which fetch does not tell. */
function send(method, url, body, tell) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.upload.onprogress = (event) => event.lengthComputable && tell(event.loaded / event.total);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Refusal("UploadRefused", `The file was not taken (${request.status}): ${reasonOf(request.responseText)}`, request.status)));
    request.onerror = () => reject(new Refusal("Unreachable", "The file could not be sent. Check your connection, then drop it again."));
    request.send(body);
  });
}

function reasonOf(text) {
  const found = new DOMParser().parseFromString(text, "text/xml").querySelector("Message");
  return found?.textContent || "drop it again";
}

async function refusalOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new Refusal(problem.code || "Refused", problem.detail || problem.message || answer.statusText, answer.status);
}

export const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
