// A file: how it is dropped or chosen, and which columns it has.
import { html, useEffect, useRef, useState } from "./preact.js";
import { size } from "./widgets.js";

const HEAD_BYTES = 256 * 1024;
const NOTE = "The first line names the columns. It goes straight to your provider's bucket, and from there to your account.";

/** Where a CSV file is dropped, or chosen by mouse, keyboard or screen reader: it is a file input as large as the zone. */
export function DropZone({ choose, file, busy = false, note = NOTE }) {
  const [over, setOver] = useState(false);
  const input = useRef();
  useEffect(() => {
    const held = new DataTransfer();
    if (file) held.items.add(file);
    input.current.files = held.files; // what the zone says, however the file came or went
  }, [file]);
  const take = (files) => files[0] && choose(files[0]);
  return html`
    <div class="drop ${over ? "over" : ""}" onDragOver=${(event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}
      onDrop=${(event) => { event.preventDefault(); setOver(false); if (!busy) take(event.dataTransfer.files); }}>
      <label for="file"><strong>${file ? file.name : "Drop a CSV file here, or choose one"}</strong></label>
      <input id="file" type="file" ref=${input} accept=".csv,text/csv" disabled=${busy} aria-describedby="file-note" onChange=${(event) => take(event.target.files)} />
      <small id="file-note">${file ? size(file.size) : note}</small>
    </div>`;
}

/** Sending a file: `send(work, done)` with the share that is sent while it lasts (null else), and what it failed with. */
export function useSending() {
  const [share, setShare] = useState(null);
  const [failure, setFailure] = useState(null);
  const send = async (work, done) => {
    setFailure(null);
    setShare(0);
    try {
      done(await work(setShare));
    } catch (refusal) {
      setFailure(refusal);
    }
    setShare(null);
  };
  return { share, failure, send };
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
