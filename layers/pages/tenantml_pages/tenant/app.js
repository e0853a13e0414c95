// The page: who is signed in, and which view the address names. The address names models and versions, never the key.
import { html, render, useEffect, useState } from "./preact.js";
import { open } from "./api.js";
import { Model } from "./model.js";
import { Models } from "./models.js";
import { Usage } from "./usage.js";
import { Failure, Title, link } from "./widgets.js";

const route = () => location.hash.slice(2).split("/").filter(Boolean).map(decodeURIComponent);

function Page() {
  const [api, setApi] = useState(null);
  const [path, setPath] = useState(route());
  useEffect(() => {
    const follow = () => setPath(route());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const [first, model, view = "training"] = path;
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="container">
      <nav aria-label="Main">
        <ul><li><strong class="brand"><img src="app/icon.svg" alt="" width="24" height="24" /> TenantML</strong></li></ul>
        <ul>
          ${api && html`
            <li><a href=${link("models")} aria-current=${first !== "usage" ? "page" : null}>Models</a></li>
            <li><a href=${link("usage")} aria-current=${first === "usage" ? "page" : null}>Usage</a></li>`}
          <li><a href="docs">API</a></li>
          ${api && html`<li><button class="outline small" onClick=${() => setApi(null)}>Sign out</button></li>`}
        </ul>
      </nav>
    </header>
    <main class="container" id="main" tabindex="-1">
      ${!api ? html`<${SignIn} enter=${setApi} />`
        : first === "usage" ? html`<${Usage} api=${api} />`
        : first === "models" && model ? html`<${Model} key=${model} api=${api} model=${model} view=${view} />`
        : html`<${Models} api=${api} />`}
    </main>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function SignIn({ enter }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    const api = open(event.target.elements.key.value.trim());
    try {
      await api.call("GET", ["models"], { query: { limit: 1 } });
      enter(api);
    } catch (refusal) {
      setError(refusal.status === 401 ? { code: "Unauthorized", message: "No key like this is known. Copy it again, or ask the operator for a new one." } : refusal);
      setBusy(false);
    }
  };
  return html`
    <article class="narrow">
      <${Title}>Your models<//>
      <p>Turn a CSV file into a model that answers, in your own AWS account.</p>
      <form onSubmit=${submit}>
        <label for="key">API key</label>
        <input id="key" type="password" autocomplete="off" spellcheck=${false} required placeholder="tml_…" aria-describedby="key-note" />
        <small id="key-note">It stays in the memory of this tab: reload or close it, and you are signed out.</small>
        <button aria-busy=${busy} disabled=${busy}>Sign in</button>
        <${Failure} error=${error} />
      </form>
    </article>`;
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${Page} />`, root);
