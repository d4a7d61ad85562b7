// The film above its audience's curves: playing moves one cursor over all of them.
// `mount(root, data, uPlot)` fills an element; data.py beside this file makes `data`.

const RESPONDENT_WIDTH = 0.8;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [14, 4], [4, 2, 2, 2, 2, 2]];
const dashOf = (i) => DASHES[i % DASHES.length];

function clock(seconds) {
  const tenths = Math.round(Math.max(0, seconds) * 10);
  const rest = (tenths % 600) / 10;
  return `${Math.floor(tenths / 600)}:${rest < 10 ? "0" : ""}${rest.toFixed(1)}`;
}

// Steps of the time axis that `clock` can tell: tenths, and parts of a minute.
const TICKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

// A true minus, no "-0", and a plus where the number is a change.
function fixed(value, digits, change = false) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value < 0 ? "−" : change ? "+" : "") + text;
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in node && name !== "list" && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// Curves travel as base64 of little-endian int16; -32768 says "not measured".
function decode({ base64, scale, shape }) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const integers = new Int16Array(bytes.buffer);
  const width = shape[shape.length - 1];
  const rows = [];
  for (let start = 0; start < integers.length; start += width) {
    const row = new Array(width);
    for (let i = 0; i < width; i++) {
      const value = integers[start + i];
      row[i] = value === -32768 ? null : value * scale;
    }
    rows.push(row);
  }
  return rows;
}

// A curve of few points, one for each stretch of equal length, drawn straight between their middles.
function between(values, bins) {
  const step = bins / values.length;
  return Array.from({ length: bins }, (_, i) => {
    const at = clamp((i + 0.5) / step - 0.5, 0, values.length - 1);
    const [left, right] = [values[Math.floor(at)], values[Math.ceil(at)]];
    return left === null || right === null ? null : left + (right - left) * (at % 1);
  });
}

// What tells titles apart: "cut A" and "cut B" of "Harbour Lights, cut A" and "Harbour Lights, cut B".
function apart(titles) {
  let start = 0;
  while (titles.length > 1 && titles.every((t) => t[start] !== undefined && t[start] === titles[0][start])) start++;
  const common = titles[0].slice(0, start);
  const cut = Math.max(...[", ", ": ", " – "].map((mark) => (common.includes(mark) ? common.lastIndexOf(mark) + mark.length : 0)));
  return titles.map((title) => title.slice(cut) || title);
}

class Player {
  constructor(root, data, uPlot) {
    this.root = root;
    this.data = data;
    this.uPlot = uPlot;
    this.short = apart(data.cuts.map((cut) => cut.title));
    this.time = 0;
    this.zoom = [0, data.duration_s];
    this.cuts = new Set(data.cuts.slice(0, 2).map((cut) => cut.id));
    this.groups = new Set([data.groups[0]]);
    this.signals = new Set(data.shown);
    const levels = (data.segments || []).flatMap((s) => s.levels.map((l) => l.key));
    this.everyone = [...data.groups, ...levels];
    this.respondents = false;
    this.decoded = new Map();
    this.plots = [];
    this.build();
    this.draw();
    this.seek(0);
    const tick = () => {
      if (!root.isConnected) return this.destroy();
      this.follow();
      this.frame = requestAnimationFrame(tick);
    };
    this.frame = requestAnimationFrame(tick);
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.resizer.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    this.plots.forEach((plot) => plot.destroy());
  }

  // ---- parts -------------------------------------------------------------------------------

  build() {
    const { data, root } = this;
    root.classList.add("fer-player");
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", `${data.title}: player`);
    this.video = this.makeVideo();
    this.readout = element("div", { class: "fer-readout" });
    this.status = element("div", { class: "fer-hidden", role: "status", "aria-live": "polite" });
    const stage = element("div", { class: "fer-stage" }, this.readout);
    if (this.video) stage.prepend(this.video);
    this.charts = element("div", {
      class: "fer-charts",
      tabindex: "0",
      role: "slider",
      "aria-label": "Time in the film. Arrow keys move, space plays, plus and minus zoom, 0 shows all",
      "aria-valuemin": "0",
      "aria-valuemax": data.duration_s.toFixed(1),
    });
    this.line = element("div", { class: "fer-cursor", "aria-hidden": "true" });
    root.append(stage, this.makeControls(), this.charts, this.status, this.makeTable());
    this.charts.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("keydown", (event) => {
      // In a notebook JupyterLab's shortcuts would take Enter and the arrows from the controls.
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    });
    this.redraw = () => this.draw();
    this.resizer = new ResizeObserver(() => {
      const width = this.charts.clientWidth;
      if (width && width !== this.width) {
        this.width = width;
        this.plots.forEach((plot) => plot.setSize({ width, height: plot.height }));
        this.place();
      }
    });
    this.resizer.observe(this.charts);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.redraw);
  }

  makeVideo() {
    const film = this.data.cuts.find((cut) => cut.film);
    if (!film) return null;
    const video = element("video", {
      class: "fer-film",
      src: film.film,
      playsinline: "",
      preload: "auto",
      "aria-label": film.title,
    });
    this.filmCut = film.id;
    video.addEventListener("click", () => this.toggle());
    video.addEventListener("error", () => {
      video.replaceWith(
        element("p", { class: "fer-note" }, "This browser cannot play the film (most play H.264 in an .mp4 file); the curves work without it."),
      );
      this.video = null;
    });
    return video;
  }

  makeControls() {
    const { data } = this;
    this.play = element("button", { type: "button", class: "fer-play", "aria-label": "Play" }, "▶");
    this.play.addEventListener("click", () => this.toggle());
    this.clock = element("span", { class: "fer-clock" });
    const bar = element("div", { class: "fer-controls" }, this.play, this.clock);
    const all = element("button", { type: "button", class: "fer-chip" }, "Whole film");
    all.addEventListener("click", () => this.zoomTo(0, data.duration_s));
    bar.append(all);
    if (data.cuts.length > 1) {
      bar.append(
        this.chips("Cuts", data.cuts.map((c) => [c.id, c.title, null]), this.cuts, (id) => this.followCut(id)),
      );
    }
    bar.append(this.chips("Signals", data.signals.map((s) => [s.key, s.label, s.color]), this.signals));
    const segments = data.segments || [];
    if (data.groups.length > 1 || segments.length) {
      bar.append(this.chips("Groups", data.groups.map((g) => [g, g === "all" ? "everyone" : g, null]), this.groups));
    }
    for (const { column, levels } of segments) {
      const chips = this.chips(column, levels.map((l) => [l.key, l.label, null]), this.groups);
      chips.prepend(element("span", { class: "fer-column", "aria-hidden": "true" }, `${column}:`));
      bar.append(chips);
    }
    if (data.curves.some((curve) => curve.people)) {
      const box = element("input", { type: "checkbox" });
      box.addEventListener("change", () => {
        this.respondents = box.checked;
        this.draw();
      });
      bar.append(element("label", { class: "fer-people" }, box, " every respondent"));
    }
    return bar;
  }

  chips(title, items, chosen, also = () => {}) {
    const field = element("div", { class: "fer-chips", role: "group", "aria-label": title });
    for (const [id, label, color] of items) {
      const chip = element("button", { type: "button", class: "fer-chip" }, label);
      if (color) chip.style.setProperty("--chip", color);
      const show = () => chip.setAttribute("aria-pressed", String(chosen.has(id)));
      chip.addEventListener("click", () => {
        if (chosen.has(id) && chosen.size > 1) chosen.delete(id);
        else chosen.add(id);
        show();
        also(id);
        this.draw();
      });
      show();
      field.append(chip);
    }
    return field;
  }

  // The numbers behind the curves, for whoever cannot or would rather not see them.
  makeTable() {
    const details = element("details", { class: "fer-table" }, element("summary", {}, "Curves as a table"));
    this.fillTable = () => {
      details.querySelector("div")?.remove();
      if (!details.open) return;
      const shown = this.shown();
      const head = element("tr", {}, element("th", { scope: "col" }, "time"));
      shown.forEach((s) => head.append(element("th", { scope: "col" }, `${s.signal.label}, ${s.name}`)));
      const body = element("tbody");
      for (let second = 0; second < this.data.duration_s; second++) {
        const row = element("tr", {}, element("th", { scope: "row" }, clock(second)));
        shown.forEach((s) => row.append(element("td", {}, this.value(s, second + 0.5))));
        body.append(row);
      }
      details.append(element("div", { tabindex: "0", role: "region", "aria-label": "Curves as a table" }, element("table", {}, element("thead", {}, head), body)));
    };
    details.addEventListener("toggle", this.fillTable);
    return details;
  }

  // ---- what is shown -----------------------------------------------------------------------

  rows(curve, part) {
    const key = `${curve.cut}|${curve.group}|${curve.signal}|${part}`;
    if (!this.decoded.has(key)) this.decoded.set(key, curve[part] ? decode(curve[part]) : null);
    return this.decoded.get(key);
  }

  shown() {
    const { data } = this;
    const list = [];
    for (const signal of data.signals) {
      if (!this.signals.has(signal.key)) continue;
      for (const curve of data.curves) {
        if (curve.signal !== signal.key || !this.cuts.has(curve.cut) || !this.groups.has(curve.group)) continue;
        const cut = data.cuts.findIndex((c) => c.id === curve.cut);
        const parts = [];
        if (data.cuts.length > 1) parts.push(this.short[cut]);
        if (this.groups.size > 1 || !this.groups.has("all")) {
          parts.push(curve.group === "all" ? "everyone" : curve.group);
        }
        list.push({ signal, curve, cut, group: this.everyone.indexOf(curve.group), name: parts.join(", ") || data.title });
      }
    }
    return list;
  }

  index(time) {
    return clamp(Math.floor(time * this.data.rate_hz), 0, this.data.bins - 1);
  }

  value(series, time) {
    const band = this.rows(series.curve, "band");
    const i = this.index(time);
    const { unit, digits } = series.signal;
    const [estimate, low, high] = [0, 1, 2].map((k) => band[k]?.[i] ?? null);
    if (estimate === null) return "not measured";
    const text = `${fixed(estimate, digits, series.signal.change)}${unit}`;
    const n = band[3]?.[i] == null ? null : band[3][i] / series.curve.band.scale;
    const about = [];
    if (low !== null && high !== null) about.push(`${fixed(low, digits)} to ${fixed(high, digits)}`);
    if (n !== null) about.push(`n\u00a0=\u00a0${Math.round(n)}`);
    return about.length ? `${text} (${about.join(", ")})` : text;
  }

  draw() {
    const ink = getComputedStyle(this.root);
    this.plots.forEach((plot) => plot.destroy());
    this.charts.replaceChildren();
    const shown = this.shown();
    this.plots = [];
    for (const panel of this.data.panels) {
      const series = shown.filter((s) => s.signal.panel === panel.key);
      if (series.length) this.plots.push(this.panel(panel, series, ink));
    }
    if (this.data.strip) {
      this.charts.append(this.strip());
      this.fitStrip(this.plots[0]);
    }
    this.charts.append(this.line);
    this.fillTable();
    this.place();
    this.read();
  }

  panel(panel, shown, ink) {
    const { data, uPlot } = this;
    const times = Array.from({ length: data.bins }, (_, i) => (i + 0.5) / data.rate_hz);
    const columns = [times];
    const series = [{}];
    const bands = [];
    for (const { signal, curve, cut, group } of shown) {
      const [estimate, low, high] = this.rows(curve, "band");
      const color = signal.color;
      if (this.respondents && curve.people) {
        const people = this.rows(curve, "people");
        for (const person of people) {
          columns.push(between(person, data.bins));
          series.push({ stroke: `${color}55`, width: RESPONDENT_WIDTH, points: { show: false } });
        }
      }
      if (low) {
        columns.push(high, low);
        const edge = { stroke: "transparent", width: 0, points: { show: false } };
        series.push(edge, edge);
        bands.push({ series: [series.length - 2, series.length - 1], fill: `${color}2e` });
      }
      columns.push(estimate);
      series.push({ stroke: color, width: 2, dash: dashOf(cut + group), points: { show: false } });
    }
    const muted = ink.getPropertyValue("--fer-muted").trim();
    const grid = { stroke: ink.getPropertyValue("--fer-grid").trim(), width: 1 };
    const axis = { stroke: muted, grid, ticks: grid, font: "12px system-ui, sans-serif" };
    const holder = element("div", { class: "fer-panel", role: "img", "aria-label": this.describe(panel, shown) });
    holder.append(element("div", { class: "fer-panel-title" }, panel.label + this.whoseScenes()));
    if (shown.length > 1) holder.append(this.legend(shown));
    this.charts.append(holder);
    this.width = this.charts.clientWidth || 640;
    const plot = new uPlot(
      {
        width: this.width,
        height: panel.height || 190,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, dist: 6, setScale: false } },
        scales: {
          x: { time: false, min: this.zoom[0], max: this.zoom[1] },
          y: { range: (_, low, high) => this.range(low, high, panel.middle || 0) },
        },
        axes: [
          { ...axis, incrs: TICKS_S, values: (_, ticks) => ticks.map((t) => clock(t).replace(/\.0$/, "")) },
          { ...axis, size: 46, space: 22, values: (_, ticks) => ticks.map((t) => String(+t.toFixed(2)).replace("-", "−")) },
        ],
        series,
        bands,
        hooks: {
          drawClear: [(u) => this.background(u, ink, panel)],
          drawAxes: [(u) => this.sceneNames(u, ink)],
          draw: [() => this.place(), (u) => this.fitStrip(u)],
          setCursor: [(u) => this.hover(u)],
          setSelect: [(u) => this.select(u)],
        },
      },
      columns,
      holder,
    );
    plot.over.addEventListener("click", () => {
      if (plot.cursor.left >= 0) this.seek(plot.posToVal(plot.cursor.left, "x"));
    });
    plot.over.addEventListener("dblclick", () => this.zoomTo(0, data.duration_s));
    plot.over.addEventListener("mouseleave", () => this.read());
    plot.over.addEventListener(
      "touchmove",
      (event) => {
        const left = event.touches[0].clientX - plot.over.getBoundingClientRect().left;
        this.seek(plot.posToVal(clamp(left, 0, plot.over.clientWidth), "x"));
      },
      { passive: true },
    );
    return plot;
  }

  // Scenes that were moved are drawn of one cut only, and it says of which.
  whoseScenes() {
    const cuts = this.data.cuts.filter((c) => this.cuts.has(c.id));
    const same = cuts.every((c) => JSON.stringify(c.scenes) === JSON.stringify(cuts[0].scenes));
    return same ? "" : ` · scenes as in ${cuts[0].title}`;
  }

  // Which line is which, on paper as well.
  legend(shown) {
    const box = element("div", { class: "fer-legend", "aria-hidden": "true" });
    for (const { signal, cut, group, name } of shown) {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      line.setAttribute("viewBox", "0 0 30 8");
      line.innerHTML = `<path d="M0 4H30" stroke="${signal.color}" stroke-width="2" stroke-dasharray="${dashOf(cut + group)}"/>`;
      box.append(element("span", {}, line, name === this.data.title ? signal.label : `${signal.label}, ${name}`));
    }
    return box;
  }

  range(low, high, middle) {
    if (low === null) return [middle - 1, middle + 1];
    const reach = Math.max(high - low, 1e-3) * 0.08;
    return [Math.min(low, middle) - reach, Math.max(high, middle) + reach];
  }

  describe(panel, shown) {
    const lines = shown.map((series) => {
      const estimate = this.rows(series.curve, "band")[0];
      let top = -1;
      estimate.forEach((v, i) => {
        if (v !== null && (top < 0 || v > estimate[top])) top = i;
      });
      if (top < 0) return `${series.signal.label}: not measured`;
      const at = clock((top + 0.5) / this.data.rate_hz);
      return `${series.signal.label} of ${series.name}: highest at ${at}, ${this.value(series, (top + 0.5) / this.data.rate_hz)}`;
    });
    return `${panel.label}. ${lines.join("; ")}`;
  }

  // Scenes as stripes with their names, moments as shading, zero as a line.
  background(u, ink, panel) {
    const { ctx } = u;
    const { left, top, width, height } = u.bbox;
    const ratio = devicePixelRatio;
    const x = (time) => clamp(u.valToPos(time, "x", true), left, left + width);
    const cut = this.data.cuts.find((c) => this.cuts.has(c.id));
    ctx.save();
    ctx.fillStyle = ink.getPropertyValue("--fer-stripe");
    cut.scenes.forEach((scene, i) => {
      const [from, to] = [x(scene.start_s), x(scene.end_s)];
      if (i % 2 && to > from) ctx.fillRect(from, top, to - from, height);
    });
    const shown = this.data.cuts.filter((c) => this.cuts.has(c.id));
    for (const moment of shown.flatMap((c) => c.moments)) {
      const signal = this.data.signals.find((s) => s.key === moment.signal);
      if (!this.signals.has(moment.signal) || signal.panel !== panel.key) continue;
      const [from, to] = [x(moment.start_s), x(moment.end_s)];
      ctx.fillStyle = signal.color;
      ctx.globalAlpha = moment.tested ? 0.9 : 0.35;
      ctx.fillRect(from, top + height - 4 * ratio, Math.max(to - from, 2 * ratio), 4 * ratio);
      ctx.globalAlpha = 1;
    }
    ctx.strokeStyle = ink.getPropertyValue("--fer-muted");
    ctx.lineWidth = ratio;
    const zero = u.valToPos(panel.middle || 0, "y", true);
    if (zero > top && zero < top + height) {
      ctx.beginPath();
      ctx.moveTo(left, zero);
      ctx.lineTo(left + width, zero);
      ctx.stroke();
    }
    ctx.restore();
  }

  // Above the grid, whose lines would cross the letters, and below the curves.
  sceneNames(u, ink) {
    const { ctx } = u;
    const { left, top, width } = u.bbox;
    const ratio = devicePixelRatio;
    const x = (time) => clamp(u.valToPos(time, "x", true), left, left + width);
    const scenes = this.data.cuts.find((c) => this.cuts.has(c.id)).scenes;
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    scenes.forEach((scene, i) => {
      const from = x(scene.start_s);
      const wide = ctx.measureText(scene.name).width + 6 * ratio;
      if (wide > x(scene.end_s) - from) return;
      ctx.fillStyle = ink.getPropertyValue(i % 2 ? "--fer-stripe" : "--fer-paper");
      ctx.fillRect(from + 2 * ratio, top, wide - 4 * ratio, 15 * ratio);
      ctx.fillStyle = ink.getPropertyValue("--fer-muted");
      ctx.fillText(scene.name, from + 3 * ratio, top + 2 * ratio);
    });
    ctx.restore();
  }

  // How much of each second was measured: the quality strip of one recording.
  strip() {
    const { values, label } = this.data.strip;
    const row = element("div");
    values.forEach((share, second) => {
      const cell = element("span");
      cell.style.opacity = String(0.12 + 0.88 * share);
      cell.style.flexGrow = String(Math.min(1, this.data.duration_s - second));
      row.append(cell);
    });
    return element("div", { class: "fer-strip", role: "img", "aria-label": label, title: label }, row);
  }

  // The strip lies below the curves' own stretch of time, zoomed or not.
  fitStrip(plot) {
    const holder = this.charts.querySelector(".fer-strip");
    if (!holder) return;
    const [from, to] = this.zoom;
    const share = (length) => `${(100 * length) / plot.width}%`; // not pixels: paper has its own width
    holder.style.marginLeft = share(plot.over.offsetLeft);
    holder.style.width = share(plot.over.clientWidth);
    holder.firstChild.style.width = `${(100 * this.data.duration_s) / (to - from)}%`;
    holder.firstChild.style.marginLeft = `${(-100 * from) / (to - from)}%`;
  }

  // ---- time --------------------------------------------------------------------------------

  get playing() {
    return this.video ? !this.video.paused : this.started !== undefined;
  }

  toggle() {
    if (this.playing) {
      this.video?.pause();
      this.started = undefined;
    } else {
      if (this.time >= this.data.duration_s - 0.05) this.seek(0);
      this.began = this.time;
      this.started = performance.now();
      this.video?.play().catch(() => (this.started = undefined));
    }
  }

  // Every animation frame: one transform while nothing else changes.
  follow() {
    const playing = this.playing;
    if (playing !== this.wasPlaying) {
      this.wasPlaying = playing;
      this.play.textContent = playing ? "❚❚" : "▶";
      this.play.setAttribute("aria-label", playing ? "Pause" : "Play");
    }
    if (!playing) return;
    const now = this.video
      ? this.video.currentTime
      : this.began + (performance.now() - this.started) / 1000;
    this.time = clamp(now, 0, this.data.duration_s);
    if (!this.video && this.time >= this.data.duration_s) this.started = undefined;
    this.place();
    if (!this.readAt || performance.now() - this.readAt > 100) this.read();
  }

  seek(time) {
    this.time = clamp(time, 0, this.data.duration_s);
    if (this.video) this.video.currentTime = this.time;
    if (this.started !== undefined) {
      this.began = this.time;
      this.started = performance.now();
    }
    this.place();
    this.read();
  }

  // The film of the cut just chosen, or of another where its own is no longer shown.
  followCut(id) {
    if (this.cuts.has(id)) this.showFilm(id);
    else if (id === this.filmCut) this.showFilm(this.data.cuts.find((c) => this.cuts.has(c.id)).id);
  }

  showFilm(id) {
    const cut = this.data.cuts.find((c) => c.id === id);
    if (!this.video || !cut.film || this.filmCut === id) return;
    const playing = this.playing;
    this.filmCut = id;
    this.video.src = cut.film;
    this.video.setAttribute("aria-label", cut.title);
    this.video.currentTime = this.time;
    if (playing) this.video.play();
  }

  place() {
    const plot = this.plots[0];
    if (!plot) return;
    const left = plot.valToPos(this.time, "x") + plot.over.offsetLeft;
    const visible = this.time >= this.zoom[0] && this.time <= this.zoom[1];
    this.line.style.visibility = visible ? "visible" : "hidden";
    this.line.style.transform = `translateX(${left}px)`;
    this.clock.textContent = `${clock(this.time)} / ${clock(this.data.duration_s)}`;
  }

  hover(u) {
    if (u.cursor.left >= 0 && u.cursor.event) this.read(u.posToVal(u.cursor.left, "x"));
  }

  read(time = this.time) {
    this.readAt = performance.now();
    const cut = this.data.cuts.find((c) => this.cuts.has(c.id));
    const scene = cut.scenes.find((s) => time >= s.start_s && time < s.end_s);
    const lines = this.shown().map((series) => {
      const dot = element("span", { class: "fer-dot", "aria-hidden": "true" });
      dot.style.background = series.signal.color;
      const name = series.name === this.data.title ? "" : ` (${series.name})`;
      return element("li", {}, dot, `${series.signal.label}${name} `, element("b", {}, this.value(series, time)));
    });
    const at = element("p", { class: "fer-at" }, element("b", {}, clock(time)), scene ? ` ${scene.name}` : "");
    this.readout.replaceChildren(at, element("ul", {}, ...lines));
    this.charts.setAttribute("aria-valuenow", time.toFixed(1));
    this.charts.setAttribute("aria-valuetext", clock(time) + (scene ? `, ${scene.name}` : ""));
  }

  zoomTo(from, to) {
    const { duration_s: end } = this.data;
    const width = clamp(to - from, Math.min(1, end), end);
    const start = clamp(from, 0, end - width);
    this.zoom = [start, start + width];
    this.plots.forEach((plot) => plot.setScale("x", { min: this.zoom[0], max: this.zoom[1] }));
    this.place();
  }

  select(u) {
    const { left, width } = u.select;
    if (width < 6) return;
    const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.zoomTo(from, to);
  }

  key(event) {
    const step = event.shiftKey ? 5 : 1;
    const [from, to] = this.zoom;
    const middle = this.time;
    const half = (to - from) / 2;
    const moves = {
      ArrowRight: () => this.seek(this.time + step),
      ArrowLeft: () => this.seek(this.time - step),
      Home: () => this.seek(0),
      End: () => this.seek(this.data.duration_s),
      " ": () => this.toggle(),
      "+": () => this.zoomTo(middle - half / 2, middle + half / 2),
      "-": () => this.zoomTo(middle - half * 2, middle + half * 2),
      0: () => this.zoomTo(0, this.data.duration_s),
    };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move();
    this.status.textContent = `${clock(this.time)}. ${this.readout.querySelector("ul").innerText}`;
  }
}

function mount(root, data, uPlot) {
  return new Player(root, data, uPlot);
}
