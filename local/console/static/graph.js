// A state machine drawn: dagre places the states, the SVG is ours, so that each state has a name, a title and the keyboard.
import { html, useEffect, useMemo, useRef } from "/parts/preact.js";
import { Graph, layout } from "/parts/dagre.js";
import { lasting, meaning } from "/shown.js";

const HEIGHT = 46;
const LETTER = 7.6; // the widest letter of the font, on average

export function StateGraph({ states, transitions, selected, onSelect }) {
  const shape = states.map((state) => state.name).join() + transitions.map((way) => way.from + way.to).join();
  const placed = useMemo(() => place(states, transitions), [shape]);
  const area = useRef(null);
  const current = selected ?? states.find((state) => state.status === "current")?.name;
  useEffect(() => {
    const node = current && placed.states.get(current);
    if (node && area.current) area.current.scrollTo({ left: node.x - area.current.clientWidth / 2, top: node.y - area.current.clientHeight / 2 });
  }, [current, shape]);
  return html`<div class="graph" ref=${area} tabindex="0" role="region" aria-label="The state machine as a graph; the table below says the same">
    <svg width=${placed.width} height=${placed.height} viewBox="0 0 ${placed.width} ${placed.height}">
      <defs>
        ${["way", "way taken"].map((look) => html`<marker id=${look.replace(" ", "-")} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" class="${look} tip" /></marker>`)}
      </defs>
      ${transitions.map((way) => html`<path key=${`${way.from} ${way.to}`} d=${placed.ways.get(`${way.from} ${way.to}`)} class="way ${way.kind} ${way.taken ? "taken" : ""}"
        marker-end=${way.taken ? "url(#way-taken)" : "url(#way)"}><title>${way.from} to ${way.to}${way.kind === "catch" ? ", after an error" : ""}</title></path>`)}
      <g role="group" aria-label="States">${states.map((state) => html`<${Node} key=${state.name} state=${state} at=${placed.states.get(state.name)} selected=${state.name === selected} onSelect=${onSelect} />`)}</g>
    </svg>
  </div>`;
}

function Node({ state, at, selected, onSelect }) {
  const { word, sign, look } = meaning(state.status);
  const choose = () => onSelect(state.name);
  const onKeyDown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose();
  };
  return html`<g class="state ${look} ${selected ? "selected" : ""}" role="button" tabindex="0" aria-pressed=${selected ? "true" : "false"}
      aria-label="${state.name}, ${state.type}: ${words(state)}" transform="translate(${at.x - at.width / 2} ${at.y - at.height / 2})" onClick=${choose} onKeyDown=${onKeyDown}>
    <title>${state.comment || state.name}</title>
    <rect width=${at.width} height=${at.height} rx=${["Choice", "Succeed", "Fail", "Wait"].includes(state.type) ? 22 : 5} />
    <text x=${at.width / 2} y="19">${state.name}</text>
    <text x=${at.width / 2} y="36" class="word">${sign} ${word}${detail(state)}</text>
  </g>`;
}

function detail(state) {
  if (!state.visits) return "";
  return [state.visits > 1 && ` ×${state.visits}`, state.retries > 0 && ` · ${retried(state.retries)}`, ` · ${lasting(state.seconds)}`].filter(Boolean).join("");
}

export function retried(count) {
  return count === 1 ? "1 retry" : `${count} retries`;
}

function words(state) {
  const said = [meaning(state.status).word];
  if (state.error) said.push(state.error);
  if (state.visits > 1) said.push(`entered ${state.visits} times`);
  if (state.retries) said.push(retried(state.retries));
  if (state.visits) said.push(lasting(state.seconds));
  return said.join(", ");
}

function place(states, transitions) {
  const graph = new Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 18, ranksep: 30, edgesep: 8, marginx: 12, marginy: 12 });
  for (const state of states) graph.setNode(state.name, { width: Math.max(172, state.name.length * LETTER + 24), height: HEIGHT });
  for (const way of transitions) graph.setEdge(way.from, way.to, { labelpos: "c", weight: { next: 8, choice: 4, catch: 1 }[way.kind] });
  layout(graph);
  const { width, height } = graph.graph();
  const ranks = [...new Set(graph.nodes().map((name) => graph.node(name).y))].sort((one, other) => one - other);
  const line = (edge) => {
    const [from, to] = [graph.node(edge.v), graph.node(edge.w)];
    return ranks.indexOf(to.y) === ranks.indexOf(from.y) + 1 ? straight(from, to) : smooth(graph.edge(edge).points);
  };
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    states: new Map(graph.nodes().map((name) => [name, graph.node(name)])),
    ways: new Map(graph.edges().map((edge) => [`${edge.v} ${edge.w}`, line(edge)])),
  };
}

/** From the bottom of a state to the top of one in the next row. */
function straight(from, to) {
  const [top, bottom] = [from.y + HEIGHT / 2, to.y - HEIGHT / 2];
  const middle = (top + bottom) / 2;
  return `M${round({ x: from.x, y: top })}C${round({ x: from.x, y: middle })} ${round({ x: to.x, y: middle })} ${round({ x: to.x, y: bottom })}`;
}

/** A smooth line through the points that dagre gives a way around other states. */
function smooth(points) {
  const [first, ...rest] = points;
  const last = rest.pop();
  const bends = rest.map((point, index) => {
    const next = rest[index + 1];
    return `Q${round(point)} ${round(next ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : last)}`;
  });
  return `M${round(first)}${bends.length ? bends.join("") : `L${round(last)}`}`;
}

function round({ x, y }) {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
