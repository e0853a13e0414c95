// A file: how it is dropped or chosen, and which columns it has.
import { html, useState } from "./preact.js";
import { size } from "./widgets.js";

const HEAD_BYTES = 256 * 1024;

/** Where a CSV file is dropped, or chosen by mouse, keyboard or screen reader: it is a file input as large as the zone. */
export function DropZone({ choose, file, busy = false }) {
  const [over, setOver] = useState(false);
  const take = (files) => files[0] && choose(files[0]);
  const drop = (input, files) => { input.files = files; take(files); };
  return html`
    <div class="drop ${over ? "over" : ""}" onDragOver=${(event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}
      onDrop=${(event) => { event.preventDefault(); setOver(false); if (!busy) drop(event.currentTarget.querySelector("input"), event.dataTransfer.files); }}>
      <label for="file"><strong>${file ? file.name : "Drop a CSV file here, or choose one"}</strong></label>
      <input id="file" type="file" accept=".csv,text/csv" disabled=${busy} aria-describedby="file-note" onChange=${(event) => take(event.target.files)} />
      <small id="file-note">${file ? size(file.size) : "The first line names the columns. It goes straight to your provider's bucket, and from there to your account."}</small>
    </div>`;
}

/** The names in the first line of a CSV file, read in the browser; what the pipeline finds wrong with it, it says itself. */
export async function columnsOf(file) {
  const text = (await file.slice(0, HEAD_BYTES).text()).replace(/^\uFEFF/, "");
  const names = [];
  let name = "", quoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"' && quoted && text[at + 1] === '"') name += text[at++];
    else if (letter === '"') quoted = !quoted;
    else if (quoted) name += letter;
    else if (letter === ",") { names.push(name); name = ""; }
    else if (letter === "\n" || letter === "\r") break;
    else name += letter;
  }
  return [...names, name].filter(Boolean);
}
