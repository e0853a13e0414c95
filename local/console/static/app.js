// The frame: where one is, what there is besides, and whether the page still hears from the cloud.
import { html, render, useEffect, useRef } from "/parts/preact.js";
import { to, useAsked, usePlace } from "/asking.js";
import { Execution } from "/execution.js";
import { Executions } from "/executions.js";
import { Endpoints, Grants, Receipts, Tenants, Uploads } from "/lists.js";

const PLACES = [
  ["executions", "Executions", Executions],
  ["tenants", "Tenants", Tenants],
  ["endpoints", "Endpoints", Endpoints],
  ["grants", "Grants", Grants],
  ["uploads", "Refused uploads", Uploads],
  ["receipts", "Receipts", Receipts],
];
const HIDDEN = { execution: Execution };

function App() {
  const [place, go] = usePlace();
  const stack = useAsked("stack");
  const content = useRef(null);
  const [, title, View] = PLACES.find(([path]) => path === place.path) ?? ["", "Execution", HIDDEN[place.path] ?? Executions];
  useEffect(() => {
    document.title = `${title} · ${stack.found?.stack ?? ""} · TenantML operators`;
  }, [title, stack.found?.stack]);
  const here = `${place.path} ${place.query.arn ?? ""}`;
  const before = useRef(here);
  useEffect(() => {
    if (before.current === here) return;
    before.current = here;
    scrollTo(0, 0);
    content.current.focus({ preventScroll: true }); // as after a new page, so that what follows is read from its beginning
  }, [here]);
  return html`
    <a class="skip" href="#content" onClick=${(event) => { event.preventDefault(); content.current.focus(); }}>Skip to the content</a>
    <header class="top">
      <p class="brand"><strong>TenantML</strong> operators <span class="quiet">stack ${stack.found?.stack ?? "…"} on the embedded cloud</span></p>
      <nav aria-label="Parts of the page">
        ${PLACES.map(([path, words]) => html`<a key=${path} href=${to(path)} aria-current=${path === place.path || (path === "executions" && place.path === "execution") ? "page" : undefined}>${words}</a>`)}
      </nav>
    </header>
    <main tabindex="-1" ref=${content} id="content">
      <div role="status">${stack.failure && html`<p class="banner failed">Nothing here is new any more: ${stack.failure}</p>`}</div>
      <${View} key=${here} query=${place.query} go=${go} />
    </main>
    <footer class="quiet">Looks every two seconds. It only reads: what changes something is on the command line, <code>tenantml --help</code>.</footer>`;
}

render(html`<${App} />`, document.getElementById("page"));
