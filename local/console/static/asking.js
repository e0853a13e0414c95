// What the page asks its server for, again and again, as long as somebody looks.
import { useCallback, useEffect, useState } from "/parts/preact.js";

const POLL_MS = 2000;

/** Ask once: the document, or an Error with the server's own words. */
export async function ask(path, query = {}) {
  const named = Object.entries(query).filter(([, value]) => value);
  const answer = await fetch(`/api/${path}?${new URLSearchParams(named)}`);
  const found = await answer.json();
  if (!answer.ok) throw new Error(`${found.code}: ${found.message}`);
  return found;
}

/** Ask now and every two seconds: `{found, failure}`; what was found stays while a later answer fails. */
export function useAsked(path, query = {}) {
  const key = JSON.stringify([path, query]);
  const [state, setState] = useState({ key });
  useEffect(() => {
    let over = false;
    let timer;
    const again = async () => {
      if (!document.hidden) {
        try {
          const found = await ask(path, query);
          if (!over) setState((before) => (same(before, found, key) ? before : { key, found }));
        } catch (error) {
          const failure = error instanceof TypeError ? "the page's server does not answer; is the cloud still up?" : error.message;
          if (!over) setState((before) => ({ key, found: before.key === key ? before.found : undefined, failure }));
        }
      }
      if (!over) timer = setTimeout(again, POLL_MS);
    };
    again();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [key]);
  return state.key === key ? state : {};
}

function same(before, found, key) {
  return before.key === key && !before.failure && JSON.stringify(before.found) === JSON.stringify(found);
}

/** Where the page is, from the address behind the `#`: `{path, query}`; and a function that goes elsewhere. */
export function usePlace() {
  const [place, setPlace] = useState(read);
  useEffect(() => {
    const moved = () => setPlace(read());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return [place, useCallback((path, query) => { location.hash = to(path, query); }, [])];
}

/** The address of a place. */
export function to(path, query = {}) {
  const named = Object.entries(query).filter(([, value]) => value);
  return `#/${path}${named.length ? `?${new URLSearchParams(named)}` : ""}`;
}

function read() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path || "executions", query: Object.fromEntries(new URLSearchParams(query)) };
}
