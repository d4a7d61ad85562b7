// Parts that the three widgets share. `assets.py` puts this file before each widget's own.

/** Make an element: el("button", {class: "fer-button", onclick: f}, "Start"). */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") node.style.cssText = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Keep keys from JupyterLab's shortcuts, which go from cell to cell by arrows and edit by Enter. */
function keepKeys(root) {
  root.addEventListener("keydown", (event) => {
    // Ctrl + S still saves the notebook; Ctrl + V pastes here, not a cell.
    if (!(event.ctrlKey || event.metaKey) || event.key === "v") event.stopPropagation();
  });
}

let controlCount = 0;

/** A labelled select; `options` are [value, text] pairs. */
function selectBox(label, options, value, onchange) {
  const id = `fer-control-${++controlCount}`;
  const select = el("select", { id, class: "fer-select", onchange: () => onchange(select.value) });
  const box = el("label", { class: "fer-field", for: id }, el("span", {}, label), select);
  const fill = (list, chosen) => {
    select.replaceChildren(...list.map(([key, text]) => el("option", { value: key }, text)));
    select.value = chosen;
    if (select.selectedIndex < 0 && list.length) select.selectedIndex = 0;
  };
  fill(options, value);
  return { box, select, fill };
}

function checkBox(label, checked, onchange) {
  const input = el("input", { type: "checkbox", onchange: () => onchange(input.checked) });
  input.checked = checked;
  return { box: el("label", { class: "fer-check" }, input, el("span", {}, label)), input };
}

function button(text, onclick, props = {}) {
  return el("button", { type: "button", class: "fer-button", onclick, ...props }, text);
}

/** A hidden file input that hands each chosen file on; the same file can be chosen again. */
function fileInput(label, accept, take) {
  const input = el("input", {
    type: "file",
    accept,
    class: "fer-hidden",
    "aria-label": label,
    tabindex: "-1",
    onchange: () => {
      const [file] = input.files;
      input.value = "";
      if (file) take(file);
    },
  });
  return input;
}

/** The line that says what is going on; screen readers hear it. */
function statusLine() {
  const node = el("div", { class: "fer-status", role: "status", "aria-live": "polite" });
  return {
    node,
    say(text, kind = "info") {
      setText(node, text);
      node.dataset.kind = kind;
    },
  };
}

/** Hand bytes to the user as a file. */
function saveFile(name, mime, view) {
  const url = URL.createObjectURL(new Blob([view], { type: mime }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Write a text where it has changed: an equal one would still cost a layout of the page. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A canvas that fills its box, sharp on any screen, and is redrawn when its size or theme changes. */
function chart(label, draw) {
  const canvas = el("canvas", { class: "fer-chart", role: "img", "aria-label": label });
  let waiting = 0;
  const paint = () => {
    waiting = 0;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    draw(pen, width, height, theme(canvas));
  };
  const redraw = () => {
    if (!waiting) waiting = requestAnimationFrame(paint);
  };
  const sizes = new ResizeObserver(redraw);
  sizes.observe(canvas);
  const themes = new MutationObserver(() => {
    themeStamp++;
    redraw();
  });
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name"] });
  const dispose = () => {
    cancelAnimationFrame(waiting);
    sizes.disconnect();
    themes.disconnect();
  };
  return { canvas, redraw, dispose };
}

let themeStamp = 0;
const themeCache = { stamp: -1, at: 0, value: null };

/** The theme's colours and fonts, read from the page at most once a second. */
function theme(node) {
  const now = performance.now();
  if (themeCache.value && themeCache.stamp === themeStamp && now - themeCache.at < 1000) {
    return themeCache.value;
  }
  const style = getComputedStyle(node);
  const read = (name) => style.getPropertyValue(name).trim();
  themeCache.value = {
    ink: style.color,
    quiet: read("--fer-quiet") || "#777",
    line: read("--fer-line") || "#ccc",
    ground: read("--fer-ground") || "#fff",
    accent: read("--fer-accent") || "#1976d2",
    font: style.fontFamily || "sans-serif",
  };
  themeCache.stamp = themeStamp;
  themeCache.at = now;
  return themeCache.value;
}

/** Colour of a person: steady for a given identity. */
function personColor(config, id) {
  const list = config.person_colors;
  return list[((id % list.length) + list.length) % list.length];
}

/** The reference's rule: red below neutral valence, grey at it (as shown: 4.0), green above. */
function valenceColor(config, valence) {
  const shown = Math.round(valence * 10) / 10;
  const [low, middle, high] = config.valence_colors;
  return shown < config.neutral ? low : shown > config.neutral ? high : middle;
}

/** Black or white, whichever is easier to read on a colour. */
function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255);
  const light = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b) > 0.19 ? "#111" : "#fff";
}

/**
 * Boxes with captions over a picture of `width` x `height` css pixels.
 * Faces carry x, y, w, h as shares of the picture, and `caption`, `color`, `tag`, `tagColor`.
 */
function drawFaces(pen, width, height, faces, { mirror = false, font = "sans-serif", chosen } = {}) {
  const size = Math.max(11, Math.min(15, width / 42));
  pen.font = `600 ${size}px ${font}`;
  pen.textBaseline = "middle";
  for (const face of faces) {
    const w = face.w * width;
    const h = face.h * height;
    const x = (mirror ? 1 - face.x - face.w : face.x) * width;
    const y = face.y * height;
    const main = chosen === undefined || chosen === face.id;
    pen.lineJoin = "round";
    pen.globalAlpha = main ? 1 : 0.75;
    pen.lineWidth = main ? 5 : 4;
    pen.strokeStyle = "rgba(0,0,0,.35)";
    pen.strokeRect(x, y, w, h);
    pen.lineWidth = main ? 3 : 2;
    pen.strokeStyle = face.color;
    pen.strokeRect(x, y, w, h);
    pen.globalAlpha = 1;
    const high = size * 1.7;
    const pad = size * 0.5;
    const tagWide = face.tag ? pen.measureText(face.tag).width + 2 * pad : 0;
    const wide = tagWide + pen.measureText(face.caption).width + 2 * pad;
    const left = Math.max(0, Math.min(x - 1.5, width - wide));
    // Above the box where there is room, else inside its upper edge.
    const top = y - high - 3 >= 0 ? y - high - 3 : Math.max(0, y + 3);
    pen.fillStyle = face.color;
    pen.beginPath();
    pen.roundRect(left, top, wide, high, 3);
    pen.fill();
    if (face.tag) {
      pen.fillStyle = face.tagColor;
      pen.beginPath();
      pen.roundRect(left, top, tagWide, high, [3, 0, 0, 3]);
      pen.fill();
      pen.fillStyle = inkOn(face.tagColor);
      pen.fillText(face.tag, left + pad, top + high / 2 + 0.5);
    }
    pen.fillStyle = inkOn(face.color);
    pen.fillText(face.caption, left + tagWide + pad, top + high / 2 + 0.5);
  }
}

function caption(face) {
  return `${face.emotion}  V ${face.valence.toFixed(1)}  A ${face.arousal.toFixed(1)}`;
}

/** Nine bars of probability. */
function probabilityBars(config) {
  const rows = config.emotions.map((name) => {
    const fill = el("span", { class: "fer-fill", style: `background:${config.colors[name]}` });
    const mark = el("span", { class: "fer-mark", hidden: true });
    const value = el("span", { class: "fer-value" }, "–");
    const row = el(
      "div",
      { class: "fer-bar" },
      el("span", { class: "fer-name" }, name),
      el("span", { class: "fer-track" }, fill, mark),
      value,
    );
    return { row, fill, mark, value };
  });
  const node = el(
    "div",
    { class: "fer-bars", role: "group", "aria-label": "Probability of each emotion" },
    ...rows.map(({ row }) => row),
  );
  return {
    node,
    /** `baseline`, if given, is drawn as a tick on each bar. */
    show(probs, baseline = null) {
      const top = probs ? probs.indexOf(Math.max(...probs)) : -1;
      rows.forEach(({ row, fill, mark, value }, i) => {
        fill.style.transform = `scaleX(${probs ? probs[i] : 0})`;
        setText(value, probs ? `${Math.round(100 * probs[i])} %` : "–");
        row.classList.toggle("fer-top", i === top);
        mark.hidden = !baseline;
        if (baseline) mark.style.left = `${100 * baseline[i]}%`;
      });
    },
  };
}

// Where the name of each published emotion stands beside its dot: the middle of the plane is crowded.
const PLANE_LABELS = {
  anger: [7, 0, "left"],
  disgust: [-7, 0, "right"],
  fear: [-7, 0, "right"],
  sad: [-7, 4, "right"],
  happy: [0, -11, "center"],
  surprise: [4, -10, "left"],
  contempt: [7, 13, "right"],
  neutral: [8, 5, "left"],
};

/** The valence-arousal plane with the published emotions and a dot, with its way, per face. */
function affectPlane(config) {
  let dots = [];
  const face = chart("Valence and arousal of each face", (pen, width, height, look) => {
    const margin = { left: 30, right: 10, top: 12, bottom: 30 };
    const [low, high] = config.scale;
    const sx = (v) =>
      margin.left + ((v - low) / (high - low)) * (width - margin.left - margin.right);
    const sy = (a) =>
      height - margin.bottom - ((a - low) / (high - low)) * (height - margin.top - margin.bottom);
    pen.lineWidth = 1;
    pen.strokeStyle = look.line;
    pen.fillStyle = look.quiet;
    pen.font = `11px ${look.font}`;
    pen.strokeRect(sx(low) + 0.5, sy(high) + 0.5, sx(high) - sx(low) - 1, sy(low) - sy(high) - 1);
    pen.beginPath();
    pen.setLineDash([3, 3]);
    pen.moveTo(sx(config.neutral), sy(low));
    pen.lineTo(sx(config.neutral), sy(high));
    pen.moveTo(sx(low), sy(config.neutral));
    pen.lineTo(sx(high), sy(config.neutral));
    pen.stroke();
    pen.setLineDash([]);
    pen.textBaseline = "top";
    for (const tick of [low, config.neutral, high]) {
      pen.textAlign = "center";
      pen.fillText(tick, sx(tick), sy(low) + 4);
      pen.textAlign = "right";
      pen.fillText(tick, sx(low) - 4, sy(tick) - 5);
    }
    pen.textAlign = "center";
    pen.fillText("valence", (sx(low) + sx(high)) / 2 + (sx(high) - sx(low)) / 4, sy(low) + 4);
    pen.save();
    pen.translate(sx(low) - 16, (sy(low) + sy(high)) / 2 - (sy(low) - sy(high)) / 4);
    pen.rotate(-Math.PI / 2);
    pen.fillText("arousal", 0, -5);
    pen.restore();
    pen.textBaseline = "middle";
    config.emotions.forEach((name, i) => {
      if (!(name in PLANE_LABELS)) return;
      const [dx, dy, align] = PLANE_LABELS[name];
      const [x, y] = [sx(config.valence[i]), sy(config.arousal[i])];
      pen.fillStyle = config.colors[name];
      pen.beginPath();
      pen.arc(x, y, 3.5, 0, 7);
      pen.fill();
      pen.fillStyle = look.quiet;
      pen.textAlign = align;
      pen.fillText(name, x + dx, y + dy);
    });
    const clamp = (value) => Math.min(high, Math.max(low, value));
    for (const dot of dots) {
      const way = dot.trail || [];
      for (let i = 1; i < way.length; i++) {
        pen.globalAlpha = 0.6 * (i / way.length);
        pen.strokeStyle = dot.color;
        pen.lineWidth = 2;
        pen.beginPath();
        pen.moveTo(sx(clamp(way[i - 1][0])), sy(clamp(way[i - 1][1])));
        pen.lineTo(sx(clamp(way[i][0])), sy(clamp(way[i][1])));
        pen.stroke();
      }
      pen.globalAlpha = 1;
      if (dot.baseline) {
        const [x, y] = [sx(clamp(dot.baseline[0])), sy(clamp(dot.baseline[1]))];
        pen.strokeStyle = dot.color;
        pen.lineWidth = 1.5;
        pen.beginPath();
        pen.moveTo(x - 5, y);
        pen.lineTo(x + 5, y);
        pen.moveTo(x, y - 5);
        pen.lineTo(x, y + 5);
        pen.stroke();
      }
      const [x, y] = [sx(clamp(dot.valence)), sy(clamp(dot.arousal))];
      pen.fillStyle = dot.color;
      pen.strokeStyle = look.ground;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, dot.main === false ? 5.5 : 7.5, 0, 7);
      pen.fill();
      pen.stroke();
      if (dot.tag) {
        pen.fillStyle = inkOn(dot.color);
        pen.textAlign = "center";
        pen.font = `600 9px ${look.font}`;
        pen.fillText(dot.tag, x, y + 0.5);
        pen.font = `11px ${look.font}`;
      }
    }
  });
  face.canvas.classList.add("fer-plane");
  return {
    node: face.canvas,
    dispose: face.dispose,
    show(list) {
      dots = list;
      face.redraw();
    },
  };
}

/** Seconds as m:ss.d, or with fewer places. */
function clock(seconds, places = 1) {
  const sign = seconds < 0 ? "-" : "";
  const all = Number(Math.abs(seconds).toFixed(places)); // 59.96 is a minute, not 60.0 seconds
  const minutes = Math.floor(all / 60);
  const rest = (all - 60 * minutes).toFixed(places);
  return `${sign}${minutes}:${rest.padStart(places ? places + 3 : 2, "0")}`;
}

const KERNEL_GONE = "The kernel was restarted, changed or has died. Run the cell again.";

/**
 * A view's line to the kernel. `view` tells this view from others of the same widget.
 * JupyterLab cuts the line on a restart, and never mends it; of another kernel, or none, it tells
 * nobody. `gone` is called once, on whichever sign of it comes first.
 */
function kernelLine(model, gone) {
  const view = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  const kernel = () => model.widget_manager?.kernel; // only JupyterLab's manager has one
  const id = kernel()?.id;
  let open = true;
  const cut = () => {
    if (!open) return;
    close();
    gone();
  };
  const timer = setInterval(() => {
    const lost = ["restarting", "autorestarting", "dead"].includes(kernel()?.status);
    if (lost || (id && kernel()?.id !== id)) cut();
  }, 1000);
  model.on("comm_live_update", cut);
  function close() {
    open = false;
    clearInterval(timer);
    model.off("comm_live_update", cut);
  }
  return {
    view,
    close,
    /** Send a message; whether it could be sent. */
    send(content, buffers) {
      if (!open) return false;
      try {
        model.send({ ...content, view }, undefined, buffers);
        return true;
      } catch (error) {
        console.debug("fer_nb: the kernel is gone", error);
        cut();
        return false;
      }
    },
    /** Whether a message from the kernel is for this view. */
    hears: (message) => !message.view || message.view === view,
  };
}

/** Disable all controls of a widget. */
function switchOff(root) {
  for (const control of root.querySelectorAll("button, select, input")) control.disabled = true;
}

const CHUNK = 1 << 20; // well under the 10 MiB that a Jupyter server takes in one message

/**
 * Sends files to the kernel in acknowledged pieces, one at a time: a second one ends the first.
 * The widget must pass the kernel's "chunk" messages to `acknowledge` and "failed" ones to `fail`.
 */
function uploader(line) {
  let current = null; // the upload under way
  return {
    /** Whether the kernel has all of it; if not, why has been said or another file was chosen. */
    async send(file, onprogress = () => {}) {
      current?.end();
      const id = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
      const own = (current = { id });
      const ended = new Promise((resolve) => (own.end = () => resolve("ended")));
      try {
        for (let start = 0; start === 0 || start < file.size; start += CHUNK) {
          const piece = await Promise.race([file.slice(start, start + CHUNK).arrayBuffer(), ended]);
          if (piece === "ended") return false;
          const last = start + CHUNK >= file.size;
          const taken = new Promise((resolve) => (own.next = resolve));
          if (!line.send({ type: "upload", id, name: file.name, start, last }, [piece])) return false;
          if ((await Promise.race([taken, ended])) === "ended") return false;
          onprogress(Math.min(1, (start + CHUNK) / file.size));
        }
        return true;
      } finally {
        if (current === own) current = null;
      }
    },
    acknowledge(message) {
      if (message.id === current?.id) current.next();
    },
    fail(message) {
      if (message.upload === current?.id) current?.end();
    },
    stop: () => current?.end(),
  };
}

/** The kernel's state as JupyterLab knows it, or "unknown" in another front end. */
function kernelState(model) {
  const kernel = model.widget_manager?.kernel;
  if (!kernel) return { status: "unknown", connection: "unknown" };
  return { status: kernel.status ?? "unknown", connection: kernel.connectionStatus ?? "unknown" };
}

function humanList(names) {
  return names.length < 2
    ? names.join("")
    : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}
