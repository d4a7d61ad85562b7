// A video and its curves: whatever is pointed at in one is shown in the other.

function render({ model, el: host }) {
  const config = model.get("config");
  const line = kernelLine(model, kernelGone);
  const upload = uploader(line);
  let video = null;
  let table = null;
  let time = 0; // where the playhead is
  let range = [0, 1]; // the part of the time axis that is shown
  let smooth = 0.5;
  let picked = new Set(); // people shown
  let hidden = new Set(); // emotions not drawn
  let seq = 0;
  let flying = null; // the one frame that is asked for
  let wanted = null; // the newest time that is waiting for it
  let frameUrl = null;
  let playing = null; // {from, at, next}: video time and page time when it began, its next frame
  let busy = false; // an analysis or a clip is under way
  let sending = false; // a file is on its way to the kernel
  let gone = false; // the kernel is
  let back = null; // what had the focus before Cancel
  let stopped = false;

  // --- the page ---
  const picture = el("img", { alt: "", draggable: "false" });
  const overlay = chart("Boxes around the faces", (pen, width, height, look) => {
    if (!table) return;
    const faces = table.faces(config, shownTime).filter((face) => picked.has(face.id));
    drawFaces(pen, width, height, faces, { font: look.font });
  });
  overlay.canvas.classList.add("fer-overlay");
  let shownTime = 0;
  const empty = el("div", { class: "fer-empty" }, "Choose a video or give its path");
  const stage = el("div", { class: "fer-stage fer-video-stage" }, picture, overlay.canvas, empty);
  const status = statusLine();
  const file = fileInput("Video file", "video/*,.mkv", take);
  const path = el("input", {
    class: "fer-input",
    type: "text",
    placeholder: "or the path of a video, then Enter",
    "aria-label": "Path of a video",
    onkeydown: (event) => event.key === "Enter" && path.value.trim() && openPath(),
  });
  const choose = button("Choose a video", () => file.click());
  const every = selectBox("Analyse", [], "", () => {});
  const analyze = button("Analyse", () => begin("analyze", { every: Number(every.select.value) }), {
    class: "fer-button fer-primary",
  });
  const cancel = button("Cancel", () => line.send({ type: "cancel" }), { hidden: true });
  const meter = el("progress", { class: "fer-progress", max: "1", value: "0", hidden: true, "aria-label": "Progress" });
  const play = button("Play", () => (playing ? pause() : start()), { "aria-label": "Play" });
  let speed = 1;
  const speeds = selectBox("Speed", [0.25, 0.5, 1, 2, 4].map((s) => [String(s), `${s} ×`]), "1", (value) => {
    speed = Number(value);
    if (playing) start();
  });
  const seek = el("input", {
    type: "range",
    class: "fer-seek",
    min: "0",
    max: "1",
    step: "0.01",
    value: "0",
    "aria-label": "Position in the video",
    oninput: () => {
      pause();
      moveTo(Number(seek.value));
    },
  });
  const stamp = el("span", { class: "fer-stamp" }, "0:00.0");
  const smoothing = selectBox("Average over", [["0", "nothing"], ["0.5", "0.5 s"], ["1", "1 s"], ["3", "3 s"]], "0.5", (value) => {
    smooth = Number(value);
    curves.redraw();
  });
  const zoomIn = button("+", () => zoom(0.5), { class: "fer-button fer-small", "aria-label": "Zoom in on the time axis", title: "Zoom in (also Ctrl + wheel)" });
  const zoomOut = button("−", () => zoom(2), { class: "fer-button fer-small", "aria-label": "Zoom out of the time axis", title: "Zoom out" });
  const zoomAll = button("All", () => setRange(0, video?.duration ?? 1), { "aria-label": "Show the whole video" });
  const unmark = button("Clear span", () => setSpan([]), { disabled: true });
  const people = el("div", { class: "fer-toolbar", role: "group", "aria-label": "People shown" });
  const legend = el("div", { class: "fer-legend", role: "group", "aria-label": "Emotions shown" });
  const heading = el("div", { class: "fer-heading" }, "");
  const bars = probabilityBars(config);
  const plane = affectPlane(config);
  const summary = el("div", { class: "fer-summary" });
  const saves = ["table", "figure", "clip"].map((what) =>
    button(`Save ${what}`, () => save(what), { disabled: true }),
  );
  const curves = chart("Curves of the emotions, valence and arousal; arrow keys move", drawCurves);
  curves.canvas.classList.add("fer-curves");
  curves.canvas.tabIndex = 0;
  curves.canvas.setAttribute("role", "application"); // screen readers hand it the keys
  const explore = el(
    "div",
    { class: "fer-explore", hidden: true },
    el("div", { class: "fer-toolbar" }, people, el("span", { class: "fer-gap" }), smoothing.box, zoomIn, zoomOut, zoomAll, unmark),
    legend,
    curves.canvas,
    el("div", { class: "fer-note" }, "Move over the curves to see the frames, drag to mark a span. Keys: ← → a frame, with Shift a second; Space plays; + − zoom; [ ] set the ends of the span, Esc clears it."),
    summary,
    el("div", { class: "fer-toolbar" }, ...saves),
  );
  const player = el("div", { class: "fer-toolbar fer-player" }, play, seek, stamp, speeds.box);
  const left = el("div", { class: "fer-side fer-wide" }, stage, player);
  const root = el(
    "div",
    { class: "fer fer-video" },
    el("div", { class: "fer-toolbar" }, choose, path, every.box, analyze, cancel),
    meter,
    status.node,
    el("div", { class: "fer-main" }, left, el("div", { class: "fer-side" }, heading, bars.node), el("div", { class: "fer-side" }, plane.node)),
    explore,
    el("div", { class: "fer-note" }, "The video is read by your own kernel; nothing is sent elsewhere."),
    file,
  );
  keepKeys(root);
  host.append(root);
  status.say("Choose a video, or give the path of one on the kernel's computer.");
  syncEvery();
  sync();

  function syncEvery() {
    const given = model.get("every");
    const endings = { one: "st", two: "nd", few: "rd", other: "th" };
    const ordinal = (n) => n + endings[new Intl.PluralRules("en", { type: "ordinal" }).select(n)];
    const steps = [...new Set([1, 2, 5, 10, given])].sort((a, b) => a - b);
    every.fill(steps.map((n) => [String(n), n === 1 ? "every frame" : `every ${ordinal(n)}`]), String(given));
  }

  function sync() {
    if (gone) return;
    const focus = document.activeElement;
    analyze.disabled = busy || sending || !video;
    choose.disabled = path.disabled = busy || sending;
    meter.hidden = !busy && !sending;
    cancel.hidden = !busy;
    for (const control of [play, seek, speeds.select]) control.disabled = !video;
    for (const control of saves) control.disabled = busy || !table;
    // A control that is disabled or hidden loses the focus.
    if (focus?.disabled && busy && root.contains(focus)) {
      back = focus;
      cancel.focus();
    } else if (focus === cancel && !busy) back?.focus();
    explore.hidden = !table;
    play.textContent = playing ? "Pause" : "Play";
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  function begin(type, more = {}) {
    busy = true;
    meter.removeAttribute("value");
    status.say(type === "analyze" ? "Analysing …" : "Writing the clip …");
    sync();
    line.send({ type, ...more });
  }

  function openPath() {
    status.say("Opening the video …");
    line.send({ type: "path", value: path.value });
  }

  async function take(chosen) {
    sending = true;
    meter.value = 0;
    status.say(`Sending ${chosen.name} to the kernel …`);
    sync();
    try {
      const sent = await upload.send(chosen, (share) => (meter.value = share));
      if (sent) status.say("Opening the video …");
    } catch (error) {
      status.say(`The file was not sent: ${error.message}.`, "error");
    }
    sending = false;
    sync();
  }

  function kernelGone() {
    upload.stop();
    pause();
    busy = false;
    sync();
    gone = true;
    status.say(KERNEL_GONE, "error");
    switchOff(root);
  }

  function save(what) {
    const span = model.get("span");
    if (what === "clip") begin("save", { value: what, span });
    else line.send({ type: "save", value: what, span, people: [...picked], smooth });
  }

  // --- picture and playhead ---
  function ask(t) {
    wanted = t;
    if (flying !== null || !video) return;
    flying = ++seq;
    line.send({ type: "frame", seq, t: wanted });
    wanted = null;
  }

  function onFrame(message, buffers) {
    if (message.seq !== flying) return;
    flying = null;
    if (wanted !== null) ask(wanted);
    const url = URL.createObjectURL(new Blob([buffers[0]], { type: "image/jpeg" }));
    const next = new Image();
    next.onload = () => {
      if (stopped) return URL.revokeObjectURL(url);
      picture.src = url;
      if (frameUrl) URL.revokeObjectURL(frameUrl);
      frameUrl = url;
      shownTime = message.shown;
      stage.dataset.shown = message.shown.toFixed(4);
      picture.alt = `${video?.name} at ${clock(message.shown)}`;
      overlay.redraw();
      describe();
    };
    next.src = url;
  }

  function moveTo(t) {
    if (!video) return;
    time = Math.min(Math.max(t, 0), video.duration);
    if (document.activeElement !== seek || Number(seek.value) !== time) seek.value = time;
    seek.setAttribute("aria-valuetext", clock(time));
    stamp.textContent = `${clock(time)} / ${clock(video.duration)}`;
    const [from, to] = range;
    if (playing && (time < from || time > to) && to - from < video.duration) setRange(time, time + to - from);
    ask(time);
    curves.redraw();
  }

  function start() {
    pause();
    if (time >= video.duration - 1e-3) time = 0;
    playing = { from: time, at: performance.now(), next: requestAnimationFrame(tick) };
    sync();
  }

  function pause() {
    cancelAnimationFrame(playing?.next);
    playing = null;
    sync();
  }

  function tick(now) {
    if (!playing || stopped) return;
    const next = playing.from + (Math.max(0, now - playing.at) / 1000) * speed;
    moveTo(next);
    if (next >= video.duration) pause();
    else playing.next = requestAnimationFrame(tick);
  }

  function describe() {
    const faces = table ? table.faces(config, shownTime).filter((f) => picked.has(f.id)) : [];
    const main = faces.reduce((best, f) => (!best || f.w * f.h > best.w * best.h ? f : best), null);
    heading.textContent = main
      ? `Face ${main.id}: ${main.emotion} · valence ${main.valence.toFixed(1)} · arousal ${main.arousal.toFixed(1)}`
      : table
        ? "No face in this frame"
        : "";
    bars.show(main?.probs ?? null);
    plane.show(faces.map((f) => ({ valence: f.valence, arousal: f.arousal, color: f.tagColor, tag: f.tag, main: f === main })));
  }

  // --- curves ---
  const EDGE = { left: 52, right: 12, top: 8, bottom: 22, gap: 10 };
  const area = (width) => [EDGE.left, width - EDGE.right];
  const xOf = (t, width) => {
    const [a, b] = area(width);
    return a + ((t - range[0]) / (range[1] - range[0])) * (b - a);
  };
  const tOf = (x, width) => {
    const [a, b] = area(width);
    return range[0] + ((x - a) / (b - a)) * (range[1] - range[0]);
  };

  /** A curve with one value per pixel; where a person was away it is interrupted. */
  function drawLine(pen, width, valueAt, yOf) {
    const [a, b] = area(width);
    const half = Math.max(smooth / 2, (range[1] - range[0]) / (b - a) / 2, table.step * 0.51);
    pen.beginPath();
    let open = false;
    for (let x = a; x <= b; x++) {
      const t = tOf(x, width);
      const value = valueAt(t - half, t + half);
      if (Number.isNaN(value)) open = false;
      else {
        if (open) pen.lineTo(x, yOf(value));
        else pen.moveTo(x, yOf(value));
        open = true;
      }
    }
    pen.stroke();
  }

  function drawCurves(pen, width, height, look) {
    if (!table || !video) return;
    const [a, b] = area(width);
    const usable = height - EDGE.top - EDGE.bottom - 2 * EDGE.gap;
    const heights = [0.5, 0.25, 0.25].map((share) => share * usable);
    const tops = [EDGE.top, EDGE.top + heights[0] + EDGE.gap, EDGE.top + heights[0] + heights[1] + 2 * EDGE.gap];
    const [low, high] = config.scale;
    const names = [null, "valence", "arousal"]; // the legend names what is in the first
    const limits = [[0, 1], [low, high], [low, high]];
    const yOf = (panel) => (value) =>
      tops[panel] + heights[panel] * (1 - (value - limits[panel][0]) / (limits[panel][1] - limits[panel][0]));
    const span = model.get("span");
    const marked = dragging ?? (span.length ? span : null);
    const shown = [...picked].filter((id) => table.people.has(id));
    pen.font = `11px ${look.font}`;
    for (let panel = 0; panel < 3; panel++) {
      const [top, tall] = [tops[panel], heights[panel]];
      if (marked) {
        pen.fillStyle = look.accent;
        pen.globalAlpha = 0.14;
        const [x0, x1] = marked.map((t) => Math.min(Math.max(xOf(t, width), a), b));
        pen.fillRect(x0, top, x1 - x0, tall);
        pen.globalAlpha = 1;
      }
      pen.strokeStyle = look.line;
      pen.lineWidth = 1;
      pen.strokeRect(a + 0.5, top + 0.5, b - a - 1, tall - 1);
      if (panel) {
        pen.setLineDash([3, 3]);
        pen.beginPath();
        pen.moveTo(a, yOf(panel)(config.neutral));
        pen.lineTo(b, yOf(panel)(config.neutral));
        pen.stroke();
        pen.setLineDash([]);
      }
      pen.fillStyle = look.quiet;
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      const [bottomText, topText] = panel ? limits[panel] : ["0", "100 %"];
      pen.fillText(topText, a - 6, top + 6);
      pen.fillText(bottomText, a - 6, top + tall - 6);
      if (panel) pen.fillText(names[panel], a - 6, top + tall / 2);
      else if (shown.length > 1) pen.fillText(`mean of ${shown.length} people`, b - 6, top + 10);
      pen.save();
      pen.beginPath();
      pen.rect(a, top, b - a, tall);
      pen.clip();
      pen.lineWidth = 1.7;
      pen.lineJoin = "round";
      if (panel === 0) {
        config.emotions.forEach((name, i) => {
          if (hidden.has(name)) return;
          pen.strokeStyle = config.colors[name];
          drawLine(pen, width, (from, to) => {
            // Over all people shown, every person with the same weight.
            const values = shown.map((id) => table.mean(id, i, from, to)).filter((v) => !Number.isNaN(v));
            return values.length ? values.reduce((x, y) => x + y, 0) / values.length : NaN;
          }, yOf(0));
        });
      } else {
        for (const id of shown) {
          pen.strokeStyle = personColor(config, id);
          drawLine(pen, width, (from, to) => table.mean(id, 8 + panel, from, to), yOf(panel));
        }
      }
      pen.restore();
    }
    const bottom = tops[2] + heights[2];
    pen.fillStyle = look.quiet;
    pen.textBaseline = "top";
    pen.textAlign = "center";
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((s) => (range[1] - range[0]) / s <= Math.max(2, (b - a) / 90)) ?? 1200;
    for (let t = Math.ceil(range[0] / step - 1e-9) * step; t <= range[1] + 1e-9; t += step) {
      pen.fillText(clock(t, step < 1 ? 1 : 0), Math.min(xOf(t, width), b - 10), bottom + 5);
    }
    const x = xOf(time, width);
    if (x >= a - 1 && x <= b + 1) {
      pen.strokeStyle = look.ink;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x, EDGE.top);
      pen.lineTo(x, bottom);
      pen.stroke();
    }
  }

  function setRange(from, to) {
    const length = Math.min(Math.max(to - from, Math.min(0.5, video.duration)), video.duration);
    const begin = Math.min(Math.max(from, 0), video.duration - length);
    range = [begin, begin + length];
    curves.redraw();
  }

  function zoom(factor, around = time) {
    if (!video) return;
    const fixed = Math.min(Math.max(around, range[0]), range[1]);
    const length = Math.min((range[1] - range[0]) * factor, video.duration);
    const share = (fixed - range[0]) / (range[1] - range[0]);
    setRange(fixed - share * length, fixed - share * length + length);
  }

  function setSpan(span) {
    model.set("span", span);
    model.save_changes();
    showSpan();
  }

  function showSpan() {
    const span = model.get("span");
    unmark.disabled = !span.length;
    curves.redraw();
    if (!table || !video) return summary.replaceChildren();
    const [from, to] = span.length ? span : [0, Infinity];
    const frames = lowerBound(table.times, to) - lowerBound(table.times, from);
    const head = span.length ? `Span ${clock(from)} – ${clock(to)} (${(to - from).toFixed(1)} s)` : "Whole video";
    const rows = [...picked].filter((id) => table.people.has(id)).map((id) => {
      const count = table.count(id, from, to);
      const means = config.emotions.map((name, i) => [name, table.mean(id, i, from, to)]).sort((x, y) => y[1] - x[1]);
      const number = (signal) => (count ? table.mean(id, signal, from, to).toFixed(2) : "–");
      const color = personColor(config, id);
      return el(
        "tr",
        {},
        el("th", { scope: "row" }, el("span", { class: "fer-dot", style: `background:${color}` }), `Face ${id}`),
        el("td", {}, frames ? `${Math.round((100 * count) / frames)} %` : "–"),
        el("td", {}, number(9)),
        el("td", {}, number(10)),
        el("td", {}, count ? humanList(means.slice(0, 3).map(([name, p]) => `${name} ${Math.round(100 * p)} %`)) : "not seen"),
      );
    });
    summary.replaceChildren(
      el(
        "table",
        {},
        el("caption", {}, `${head}, ${frames} frames analysed`),
        el("thead", {}, el("tr", {}, ...["", "seen", "valence", "arousal", "strongest on average"].map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, ...rows),
      ),
    );
  }

  // --- pointing at the curves ---
  let dragging = null;
  let pressed = null;
  const timeAt = (event) => {
    const box = curves.canvas.getBoundingClientRect();
    return Math.min(Math.max(tOf(event.clientX - box.left, box.width), range[0]), range[1]);
  };
  curves.canvas.addEventListener("pointerdown", (event) => {
    if (!video || event.button !== 0) return;
    curves.canvas.setPointerCapture(event.pointerId);
    pressed = { x: event.clientX, t: timeAt(event) };
  });
  curves.canvas.addEventListener("pointermove", (event) => {
    if (!video) return;
    const t = timeAt(event);
    if (pressed && Math.abs(event.clientX - pressed.x) > 4) dragging = [Math.min(t, pressed.t), Math.max(t, pressed.t)];
    if (!playing) moveTo(t);
  });
  const release = (event) => {
    if (!pressed) return;
    if (dragging) {
      const span = dragging;
      dragging = null;
      setSpan(span);
    } else {
      pause();
      moveTo(timeAt(event));
    }
    pressed = null;
  };
  curves.canvas.addEventListener("pointerup", release);
  curves.canvas.addEventListener("pointercancel", () => {
    pressed = dragging = null;
    curves.redraw();
  });
  curves.canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      event.stopPropagation();
      zoom(event.deltaY < 0 ? 0.8 : 1.25, timeAt(event));
    },
    { passive: false },
  );
  curves.canvas.addEventListener("keydown", (event) => {
    const span = model.get("span");
    const frame = 1 / (video?.fps || 25);
    const step = (way) => {
      if (event.shiftKey) return moveTo(time + way);
      moveTo(table?.neighbour(time, way) ?? time + way * frame);
    };
    const keys = {
      ArrowLeft: () => step(-1),
      ArrowRight: () => step(1),
      Home: () => moveTo(0),
      End: () => moveTo(video.duration),
      " ": () => (playing ? pause() : start()),
      "+": () => zoom(0.5),
      "-": () => zoom(2),
      "[": () => setSpan([time, Math.max(span[1] ?? video.duration, time + frame)]),
      "]": () => setSpan([Math.min(span[0] ?? 0, time - frame), time]),
      Escape: () => setSpan([]),
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    if (!video || !(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") pause();
    keys[event.key]();
  });

  // --- from the kernel ---
  function onVideo(message) {
    video = message;
    table = null;
    busy = false;
    flying = wanted = null;
    range = [0, Math.max(video.duration, 0.1)];
    seek.max = video.duration;
    seek.step = Math.min(0.05, 1 / (video.fps || 25) / 2).toFixed(4);
    empty.hidden = true;
    stage.style.aspectRatio = `${video.width} / ${video.height}`;
    stage.style.maxWidth = `${Math.round((480 * video.width) / video.height)}px`;
    status.say(`${video.name}: ${clock(video.duration)}, ${video.width} × ${video.height}, ${video.fps.toFixed(1)} frames a second. Press Analyse.`);
    sync();
    describe();
    pause();
    moveTo(0);
  }

  function onTable(message, buffers) {
    table = reactionTable(message, buffers[0]);
    busy = false;
    picked = new Set(message.people);
    people.replaceChildren(
      el("span", { class: "fer-subtle" }, message.people.length ? "People" : "No face was found in this video"),
      ...message.people.map((id) => {
        const color = personColor(config, id);
        const toggle = button(String(id), () => {
          if (picked.has(id)) picked.delete(id);
          else picked.add(id);
          toggle.setAttribute("aria-pressed", String(picked.has(id)));
          overlay.redraw();
          describe();
          showSpan();
        }, { class: "fer-person fer-toggle", style: `background:${color};color:${inkOn(color)}`, "aria-pressed": "true", "aria-label": `Face ${id}` });
        return toggle;
      }),
    );
    legend.replaceChildren(
      ...config.emotions.map((name) => {
        const toggle = button("", () => {
          if (hidden.has(name)) hidden.delete(name);
          else hidden.add(name);
          toggle.setAttribute("aria-pressed", String(!hidden.has(name)));
          curves.redraw();
        }, { class: "fer-key", "aria-pressed": String(!hidden.has(name)), title: `Show or hide ${name}` });
        toggle.append(el("span", { class: "fer-dot", style: `background:${config.colors[name]}` }), name);
        return toggle;
      }),
    );
    const trouble = message.warnings.length ? ` Note: ${message.warnings.join("; ")}.` : "";
    const found = message.people.length;
    status.say(
      `${video?.name}: ${table.times.length} frames analysed, ${found === 1 ? "1 face" : `${found} faces`}.${trouble}`,
      message.warnings.length ? "warning" : "info",
    );
    sync();
    showSpan();
    overlay.redraw();
    describe();
  }

  const onMessage = (message, buffers) => {
    if (!line.hears(message)) return;
    if (message.type === "frame") onFrame(message, buffers);
    else if (message.type === "video") onVideo(message);
    else if (message.type === "table") onTable(message, buffers);
    else if (message.type === "chunk") upload.acknowledge(message);
    else if (message.type === "file") saveFile(message.name, message.mime, buffers[0]);
    else if (message.type === "progress") {
      busy = true;
      meter.value = message.share;
      const rest = message.left === null ? "" : `, ${message.left < 90 ? `${Math.ceil(message.left)} s` : `${Math.round(message.left / 60)} min`} left`;
      status.say(`${message.what === "clip" ? "Writing the clip" : "Analysing"}: ${Math.round(100 * message.share)} %${rest}`);
      sync();
    } else if (["cancelled", "saved", "failed"].includes(message.type)) {
      busy = false;
      flying = null;
      upload.fail(message);
      status.say(message.type === "cancelled" ? "Cancelled." : message.text, message.type === "failed" ? "error" : "info");
      sync();
    }
  };
  model.on("msg:custom", onMessage);
  model.on("change:span", showSpan);
  model.on("change:every", syncEvery);
  line.send({ type: "hello" });

  return () => {
    stopped = true;
    playing = null;
    line.close();
    upload.stop();
    model.off("msg:custom", onMessage);
    model.off("change:span", showSpan);
    model.off("change:every", syncEvery);
    for (const part of [overlay, plane, curves]) part.dispose();
    if (frameUrl) URL.revokeObjectURL(frameUrl);
  };
}

export default { render };
