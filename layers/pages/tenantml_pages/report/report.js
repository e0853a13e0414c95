// Draws the page's plots with uPlot, in the colours of the page, and opens what is folded for printing.
"use strict";
(() => {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const plots = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--plot-${name}`).trim();
  const font = "12px system-ui, sans-serif";

  function series({ label, values, drawn }) {
    const guide = drawn === "dashed";
    return {
      label,
      stroke: () => colour(guide ? "guide" : "line"),
      width: guide ? 1.5 : 2,
      dash: guide ? [6, 5] : undefined,
      spanGaps: true,
      points: { show: drawn === "dots", size: 7, fill: () => colour("line") },
    };
  }

  // As wide as the longest of its values.
  const widthOf = (plot, values) => 16 + 7 * Math.max(3, ...(values || []).map((text) => String(text).length));

  function axis(label, size) {
    return {
      label, size, labelSize: 24, font, labelFont: font, gap: 4,
      stroke: () => colour("text"),
      grid: { stroke: () => colour("grid"), width: 1 },
      ticks: { stroke: () => colour("grid"), width: 1 },
    };
  }

  // On paper the width is not known before it is laid out; these fit on A4 and Letter.
  let printing = false;
  const size = (place) => {
    const width = printing ? (place.closest(".pair") ? 300 : 440) : Math.max(240, Math.floor(place.clientWidth));
    return { width, height: Math.round(Math.min(384, Math.max(printing ? 200 : 240, width * 0.7))) };
  };

  function draw(place) {
    const { x, xLabel, yLabel, square, series: drawn } = JSON.parse(place.dataset.plot);
    const fixed = square ? { range: () => [0, 1] } : {};
    const options = {
      ...size(place),
      scales: { x: { time: false, ...fixed }, y: square ? { range: () => [0, 1.02] } : {} },
      legend: { show: false },
      cursor: { show: false },
      axes: [axis(xLabel, 34), axis(yLabel, widthOf)],
      series: [{}, ...drawn.map(series)],
    };
    const plot = new uPlot(options, [x, ...drawn.map((one) => one.values)], place);
    plots.push([place, plot]);
  }

  for (const place of document.querySelectorAll("[data-plot]")) draw(place);
  const redraw = () => plots.forEach(([, plot]) => plot.redraw(false, true));
  const resize = () => plots.forEach(([place, plot]) => plot.setSize(size(place)));
  scheme.addEventListener("change", redraw);
  addEventListener("resize", resize);

  const opened = [];
  const print = (begins) => {
    printing = begins;
    document.documentElement.classList.toggle("printing", begins);  // browsers print in light colours
    resize();
    redraw();
  };
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("main details:not([open])")) {
      fold.open = true;
      opened.push(fold);
    }
    print(true);
  });
  addEventListener("afterprint", () => {
    for (const fold of opened.splice(0)) fold.open = false;
    print(false);
  });
})();
