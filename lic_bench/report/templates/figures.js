// The interactive figures. The static ones stay, folded, and open again where these cannot be drawn.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("figure-data").textContent);
  const FAR = 1.3; // a curve that ends so much beyond the others is not shown to its end
  const WORST = 30, BEYOND = 4, STEP = 2.6; // percent; codecs beyond are below the others, in order
  const AXES = {
    bpp: { title: "Rate [bpp]", at: 1 },
    encode: { title: "Encoding [ms], log scale", at: 4, log: true },
    decode: { title: "Decoding [ms], log scale", at: 5, log: true },
  };
  const narrow = () => innerWidth < 700;
  /** A logarithmic axis around these values with 1, 2, 5, 10 ...; `right`: free space, in powers of ten. */
  function logarithmic(values, right) {
    const tickvals = [-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6].flatMap((n) => (narrow() ? [1] : [1, 2, 5]).map((m) => Number(`${m}e${n}`)));
    const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.log10);
    const range = values.length ? { range: [low - 0.15, high + right] } : {};
    return { type: "log", tickvals, ticktext: tickvals.map(String), tickangle: 0, ...range };
  }
  const shown = (value, digits, unit) => (value === null ? "" : `<br>${Number(value.toFixed(digits))} ${unit}`);
  const words = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const images = (count) => (count === null ? "" : `<br>${count} image${count === 1 ? "" : "s"}`);

  async function loadLibrary() {
    const packed = Uint8Array.from(atob(document.getElementById("library").textContent), (c) => c.charCodeAt(0));
    const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.text = await new Response(unpacked).text();
    document.head.append(script);
  }

  const channels = (colour) => colour.match(/[\da-f]{2}/gi).slice(0, 3).map((part) => parseInt(part, 16));
  function readable(colour, dark) {
    let rgb = channels(colour);
    while (dark && 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2] < 125) rgb = rgb.map((v) => v + (255 - v) * 0.12);
    return `rgb(${rgb.map(Math.round).join()})`;
  }

  class Figure {
    constructor(id, choices) {
      this.root = document.getElementById(id);
      this.plot = this.root.querySelector(".plot");
      this.legend = this.root.querySelector(".legend");
      this.choices = Object.fromEntries(choices.map((name) => [name, this.root.querySelector(`[name=${name}]`)]));
      this.hidden = new Map(); // label -> whether the reader hid it
      this.root.addEventListener("change", () => this.draw());
      this.root.querySelector(".all").addEventListener("click", () => this.hide(false));
      this.root.querySelector(".none").addEventListener("click", () => this.hide(true));
      document.addEventListener("colours", () => this.draw());
    }

    /** Fill a <select> with [value, text] and keep what was chosen where that is still there. */
    offer(name, pairs) {
      const [select, before] = [this.choices[name], this.choices[name].value];
      const options = [...new Map(pairs)];
      select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
      if (options.some(([value]) => value === before)) select.value = before;
    }

    hide(all) {
      this.items.forEach((item) => this.hidden.set(item.key, all));
      this.draw();
    }

    isHidden(item) {
      return this.hidden.get(item.key) ?? !item.shown;
    }

    drawLegend(dark) {
      this.legend.replaceChildren(
        ...this.items.map((item) => {
          const button = document.createElement("button");
          button.type = "button";
          button.setAttribute("aria-pressed", String(!this.isHidden(item)));
          button.innerHTML = '<span class="key"></span>';
          button.firstChild.style.borderColor = readable(item.colour, dark);
          button.firstChild.style.background = item.filled ? readable(item.colour, dark) : "none";
          button.append(item.key);
          button.addEventListener("click", () => {
            this.hidden.set(item.key, !this.isHidden(item));
            this.draw();
            [...this.legend.children].find((other) => other.textContent === item.key)?.focus();
          });
          return button;
        }),
      );
    }

    draw() {
      const dark = getComputedStyle(this.root).colorScheme === "dark" ||
        (getComputedStyle(this.root).colorScheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
      const [ink, rule] = [getComputedStyle(this.root).color, getComputedStyle(this.root).borderTopColor];
      const [traces, layout] = this.traces(dark, ink, getComputedStyle(this.root).backgroundColor);
      const axis = { gridcolor: rule, linecolor: rule, zeroline: false, automargin: true, showline: true };
      Object.assign(layout, {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "closest",
        font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: ink },
        margin: { l: 52, r: 14, t: 10, b: 48 }, dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
        height: narrow() ? 360 : 500, uirevision: layout.xaxis.title.text + layout.yaxis.title.text + (this.view ?? ""),
        hoverlabel: { align: "left" },
      });
      layout.xaxis = { ...axis, ...layout.xaxis };
      layout.yaxis = { ...axis, ...layout.yaxis };
      this.drawLegend(dark);
      Plotly.react(this.plot, traces, layout, { responsive: true, displayModeBar: false });
    }
  }

  class Curves extends Figure {
    constructor() {
      super("interactive-curves", ["metric", "set", "axis"]);
      this.offer("metric", data.curves.map((curve) => [curve.metric, curve.metric]));
      this.offer("axis", [["bpp", "rate"], ["decode", "decoding time"], ["encode", "encoding time"]]);
    }

    traces(dark, ink, paper) {
      const { metric, axis } = Object.fromEntries(Object.entries(this.choices).map(([k, v]) => [k, v.value]));
      const ofMetric = data.curves.filter((curve) => curve.metric === metric);
      this.offer("set", ofMetric.map((curve) => [curve.set, curve.set_label]));
      this.view = this.choices.set.value;
      const { at, title, log } = AXES[axis];
      const curves = ofMetric
        .filter((curve) => curve.set === this.choices.set.value)
        .map((curve) => ({ ...curve, points: curve.points.filter((point) => point[at] !== null) }))
        .filter((curve) => curve.points.length);
      const count = (label) => curves.filter((curve) => curve.label === label && curve.provenance === "measured").length;
      this.items = curves.map((curve) => {
        const own = curve.provenance === "measured";
        const tail = own ? (count(curve.label) > 1 ? ` (${curve.run})` : "") : ` (${curve.provenance})`;
        return { ...curve, key: curve.label + tail, filled: own && !curve.variant };
      });
      this.root.querySelector(".empty").hidden = this.items.length > 0;
      const visible = this.items.filter((item) => !this.isHidden(item));
      const traces = visible.map((item) => {
        const colour = readable(item.colour, dark);
        const measured = item.provenance === "measured";
        const dash = item.dashes.length ? item.dashes.map((d) => `${2 * d}px`).join() : measured ? "solid" : "6px,3px";
        return {
          name: item.key, x: item.points.map((p) => p[at]), y: item.points.map((p) => p[2]), mode: "lines+markers",
          line: { color: colour, width: measured ? 2 : 1.4, dash },
          marker: { symbol: item.symbol, size: item.variant ? 12 : 8, color: item.variant ? "rgba(0,0,0,0)" : item.filled ? colour : paper,
            line: { color: colour, width: 1.5 } },
          text: item.points.map(([quality, bpp, db, n, enc, dec, timed]) =>
            `<b>${words(item.key)}</b>` + (item.run ? `<br>${words(item.run)}` : "") + (quality === null ? "" : `<br>quality ${quality}`) +
            images(n) + shown(bpp, 4, "bpp") + shown(db, 3, `dB (${metric})`) + shown(enc, 3, "ms to encode") +
            shown(dec, 3, "ms to decode") + (timed !== null && timed !== n ? `<br>timed on ${timed} of them` : "")),
          hovertemplate: "%{text}<extra></extra>",
        };
      });
      return [traces, { xaxis: { title: { text: title }, ...(log ? logarithmic(visible.flatMap((item) => item.points.map((p) => p[at])), 0.15) : {}), ...this.near(visible, at) }, yaxis: { title: { text: `${metric} [dB]` }, ...this.seen } }];
    }

    /** The axes end at the second highest rate where one curve goes far beyond. */
    near(items, at) {
      this.seen = {};
      const ends = items.map((item) => Math.max(...item.points.map((p) => p[at]))).sort((a, b) => a - b);
      const [last, high] = [ends.at(-1), ends.at(-2)];
      if (at !== 1 || ends.length < 2 || last < FAR * high) return {};
      const points = items.flatMap((item) => item.points);
      const low = Math.min(...points.map((p) => p[at]));
      const pad = 0.04 * (high - low);
      const seen = points.filter((p) => p[at] <= high + pad).map((p) => p[2]);
      const [bottom, top] = [Math.min(...seen), Math.max(...seen)];
      if (high <= low || bottom >= top) return {};
      const space = 0.05 * (top - bottom);
      this.seen = { range: [bottom - space, top + space] };
      return { range: [Math.max(0, low - pad), high + 2 * pad] };
    }
  }

  class Latency extends Figure {
    constructor() {
      super("interactive-latency", ["metric", "dataset", "operation"]);
      this.offer("metric", data.latency.map((item) => [item.metric, item.metric]));
    }

    traces(dark, ink, paper) {
      const chosen = (name) => this.choices[name].value;
      const ofMetric = data.latency.filter((item) => item.metric === chosen("metric"));
      this.offer("dataset", ofMetric.map((item) => [item.dataset, item.dataset_label]));
      const onDataset = ofMetric.filter((item) => item.dataset === chosen("dataset"));
      this.offer("operation", onDataset.map((item) => [item.operation, item.operation === "decode" ? "decoding" : "encoding"]));
      const view = onDataset.find((item) => item.operation === chosen("operation"));
      this.view = view.dataset;
      const count = (codec) => view.codecs.filter((c) => c.label === codec.label && c.provenance === codec.provenance).length;
      this.items = view.codecs.map((codec) => {
        const tail = codec.provenance === "published" ? " (published)" : count(codec) > 1 ? ` (${codec.device})` : "";
        return { ...codec, key: codec.label + tail, shown: true, filled: codec.provenance !== "published" };
      });
      const visible = this.items.filter((item) => !this.isHidden(item));
      const edge = Math.max(0, ...visible.map((item) => item.bd_rate).filter((bd) => bd <= WORST)) + BEYOND;
      const beyond = visible.filter((item) => item.bd_rate > WORST).sort((a, b) => a.bd_rate - b.bd_rate);
      const at = (item) => (item.bd_rate > WORST ? edge + STEP * beyond.indexOf(item) : item.bd_rate); // each its row
      const traces = visible.map((item) => this.trace(item, view, at(item), readable(item.colour, dark), paper));
      const what = view.operation === "decode" ? "Decoding" : "Encoding";
      const y = traces.map((trace) => trace.y[0]);
      const range = y.length ? { range: [Math.max(0, ...y) + 3, Math.min(0, ...y) - 3] } : { autorange: "reversed" };
      const ticks = beyond.length ? { tickvals: Array.from({ length: 14 }, (_, n) => 10 * (n - 10)) } : {}; // no axis beyond
      const zero = { type: "line", xref: "paper", x0: 0, x1: 1, y0: 0, y1: 0, layer: "below", line: { color: ink, width: 0.8 } };
      return [traces, {
        xaxis: { title: { text: `${what} latency [ms], log scale` }, ...logarithmic(visible.map((item) => item.ms), narrow() ? 0.2 : 0.5) }, shapes: [zero],
        yaxis: { title: { text: `BD-rate (${view.metric}) [%]` }, ...range, ...ticks },
      }];
    }

    trace(item, view, at, colour, paper) {
      const beyond = item.bd_rate > WORST;
      const diameter = Math.max(9, 1.33 * 2 * Math.sqrt((item.params_m ?? 0)));
      return {
        name: item.key, x: [item.ms], y: [at], mode: narrow() ? "markers" : "markers+text",
        text: [` ${words(item.label)}` + (item.lower_bound ? ` (>${item.ms / 1000} s)` : "") + (beyond ? ` (+${item.bd_rate.toFixed(0)} %)` : "")],
        textposition: "middle right", textfont: { size: 11 }, cliponaxis: false,
        marker: {
          symbol: beyond ? "triangle-down" : item.params_m === null ? "diamond" : "circle", size: diameter,
          color: item.filled ? colour : paper, opacity: item.networks_only ? 0.45 : 1, line: { color: colour, width: 2 },
        },
        hovertemplate:
          `<b>${words(item.key)}</b><br>${words(item.device)}` + (item.n_qualities ? `<br>mean over ${item.n_qualities} qualities` : "") +
          images(item.n_images) + `<br>${item.lower_bound ? "over " : ""}${Number(item.ms.toPrecision(4))} ms to ${view.operation}` +
          `<br>BD-rate ${item.bd_rate.toFixed(2)} %` + (item.params_m === null ? "" : `<br>${item.params_m.toFixed(1)} M parameters`) +
          (item.networks_only ? "<br>random weights, BD-rate as published" : "") + "<extra></extra>",
      };
    }
  }

  let library;
  async function draw(root, Kind) {
    try {
      await (library ??= loadLibrary());
      new Kind().draw();
      root.dataset.drawn = "yes";
    } catch (error) {
      document.querySelectorAll("figure.interactive").forEach((figure) => { figure.hidden = true; });
      document.querySelectorAll("details.static").forEach((part) => { part.open = true; });
      console.warn(`Interactive figures cannot be drawn: ${error}`);
    }
  }

  // Each is drawn when it comes near: the library is large.
  for (const [kind, Kind] of Object.entries({ curves: Curves, latency: Latency })) {
    const root = document.getElementById(`interactive-${kind}`);
    if (!root) continue;
    root.hidden = false;
    const near = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      draw(root, Kind);
    }, { rootMargin: "300px" });
    near.observe(root);
  }
})();
