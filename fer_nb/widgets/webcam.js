// The live preview. The camera's picture is shown by the browser itself; one frame at a time goes to
// the kernel as JPEG, always the newest, and the answer is drawn over the picture.

const SMOOTH_SECONDS = 0.3; // shown values only; what is recorded is never smoothed
const PANELS_EVERY = 150; // ms; boxes are drawn with every answer, the panels at a pace for reading
const STALE_AFTER = 80; // ms that an encoded frame may wait
const BUSY_AFTER = 1500; // ms without an answer
const GIVE_UP_AFTER = 30_000;
const DARK_AFTER = 5000; // ms without a picture from the camera
const LOST_AFTER = 4000; // ms without an answer from a kernel that says it is idle

function render({ model, el: host }) {
  const config = model.get("config");
  const line = kernelLine(model, kernelGone);
  const encoder = jpegEncoder();
  const speed = pace();
  const load = ballast();
  let phase = "off"; // off, opening, on
  let opening = 0; // counts attempts, so that a late camera of a given-up attempt is closed
  let stream = null;
  let limits = [640, 480]; // the size it was opened with
  let frameRequest = 0;
  let origin = 0; // page time of time 0
  let frameShown = null; // {at}: the newest camera frame
  let sentFrame = null;
  let encoding = false;
  let ready = null; // {bytes, frame, at}: the next frame, encoded
  const usual = { trip: 50, encode: 15 }; // ms, running means
  let flying = null; // {seq, captured, sent}: the one frame that is with the kernel
  let seq = 0;
  let lastDelay = null;
  let lastFrameAt = 0;
  let faces = [];
  let chosen = null; // the face whose bars are shown, or null for the largest
  let leading = null; // which that was
  let smooth = new Map();
  let panelsAt = 0;
  let announced = { text: "", until: 0 }; // what stays to be read for a while
  let stopped = false; // the view is gone

  // --- the page ---
  const video = el("video", { muted: true, playsinline: true, "aria-label": "Camera picture" });
  video.muted = true;
  video.addEventListener("resize", fitStage);
  const overlay = chart("Boxes around the faces found", (pen, width, height, look) => {
    drawFaces(pen, width, height, faces, {
      mirror: model.get("mirror"),
      font: look.font,
      chosen: faces.length > 1 ? shownFace()?.id : undefined,
    });
  });
  overlay.canvas.classList.add("fer-overlay");
  const badge = el("div", { class: "fer-badge", hidden: true });
  const live = el("div", { class: "fer-badge fer-badge-rec", hidden: true });
  const empty = el("div", { class: "fer-empty" }, "The camera is off");
  const stage = el("div", { class: "fer-stage" }, video, overlay.canvas, empty, badge, live);
  const status = statusLine();
  const toggle = button("Start", () => (phase === "off" ? start() : stop("Stopped.")), {
    class: "fer-button fer-primary",
  });
  const record = button("Record", () => line.send({ type: "record", on: !model.get("recording") }), {
    disabled: true,
    title: "Collect the measurements as a table",
  });
  const calibrate = button("Set neutral", () => line.send({ type: "calibrate" }), {
    disabled: true,
    title: "Look neutral for 3 seconds; from then on the change from that is shown",
  });
  const csv = button("Save CSV", () => line.send({ type: "csv" }), { disabled: true });
  const cameras = selectBox("Camera", [["", "default"]], "", (value) => {
    model.set("camera", value);
    model.save_changes();
  });
  const sizes = selectBox(
    "Size",
    config.sizes.map(([w, h]) => [`${w}x${h}`, `${w} × ${h}`]),
    model.get("size"),
    (value) => {
      model.set("size", value);
      model.save_changes();
    },
  );
  const mirror = checkBox("Mirror", model.get("mirror"), (on) => {
    model.set("mirror", on);
    model.save_changes();
  });
  const heading = el("div", { class: "fer-heading" }, "No face yet");
  const people = el("div", { class: "fer-people", role: "group", "aria-label": "Face shown" });
  const bars = probabilityBars(config);
  const plane = affectPlane(config);
  const trace = affectTrace(config);
  const where = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)
    ? "on this computer"
    : `on ${location.hostname}`;
  const root = el(
    "div",
    { class: "fer fer-webcam", "data-phase": "off" },
    el("div", { class: "fer-toolbar" }, toggle, record, calibrate, csv, el("span", { class: "fer-gap" }), cameras.box, sizes.box, mirror.box),
    status.node,
    el(
      "div",
      { class: "fer-main" },
      stage,
      el("div", { class: "fer-side" }, el("div", { class: "fer-who" }, heading, people), bars.node),
      el("div", { class: "fer-side" }, plane.node),
    ),
    trace.node,
    el("div", { class: "fer-note" }, `Pictures go only to your own kernel, ${where}; they are looked at and forgotten. Only measurements are kept, and only while you record.`),
  );
  keepKeys(root);
  host.append(root);
  const setMirror = () => {
    mirror.input.checked = model.get("mirror");
    video.style.transform = model.get("mirror") ? "scaleX(-1)" : "";
    overlay.redraw();
  };
  setMirror();
  const obstacle = whyNoCamera();
  if (obstacle) {
    toggle.disabled = true;
    status.say(obstacle, "error");
  } else status.say("Press Start to switch the camera on.");

  /** The face chosen, or the largest; of two of nearly one size the one shown before. */
  function shownFace() {
    const picked = faces.find((face) => face.id === chosen);
    if (picked || !faces.length) return picked;
    const size = (face) => face.w * face.h;
    const largest = faces.reduce((best, face) => (size(face) > size(best) ? face : best));
    const before = faces.find((face) => face.id === leading);
    const main = before && size(largest) < 1.2 * size(before) ? before : largest;
    leading = main.id;
    return main;
  }

  function fitStage() {
    if (video.videoWidth) stage.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
  }

  function setPhase(next) {
    phase = next;
    root.dataset.phase = next;
    toggle.textContent = next === "off" ? "Start" : "Stop";
    empty.hidden = next === "on";
    empty.textContent = next === "opening" ? "Opening the camera …" : "The camera is off";
    badge.hidden = next !== "on";
    syncButtons();
  }

  function syncButtons() {
    const recording = model.get("recording");
    record.disabled = phase !== "on" && !recording;
    record.textContent = recording ? "Stop recording" : "Record";
    record.classList.toggle("fer-danger", recording);
    record.setAttribute("aria-pressed", recording);
    calibrate.disabled = phase !== "on";
    csv.disabled = recording || !model.get("rows");
    if (live.hidden) live.textContent = `● ${clock(0)}`;
    live.hidden = !recording;
  }

  // --- the camera ---
  function release() {
    opening++;
    for (const track of stream?.getTracks() ?? []) {
      track.onended = track.onmute = track.onunmute = null;
      track.stop();
    }
    stream = null;
    // A request outlives its stream: it would go on beside that of the next.
    video.cancelVideoFrameCallback?.(frameRequest);
    video.srcObject = null;
    flying = ready = frameShown = sentFrame = null;
    faces = [];
    smooth.clear();
    overlay.redraw();
  }

  function stop(text, kind = "info", tell = true) {
    release();
    setPhase("off");
    if (text) status.say(text, kind);
    if (tell) line.send({ type: "stop" });
  }

  /** Another size or camera, chosen here or in a cell. */
  function reopen() {
    sizes.select.value = model.get("size");
    if (phase === "off") listCameras();
    else start();
  }

  async function start() {
    release();
    const attempt = opening;
    setPhase("opening");
    status.say("Asking the browser for the camera …");
    limits = model.get("size").split("x").map(Number);
    const [width, height] = limits;
    const wanted = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 } };
    if (model.get("camera")) wanted.deviceId = { ideal: model.get("camera") };
    let opened;
    try {
      opened = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      if (attempt === opening) stop(explainCamera(error), "error");
      return;
    }
    if (stopped || attempt !== opening) {
      for (const track of opened.getTracks()) track.stop();
      return;
    }
    stream = opened;
    lastFrameAt = performance.now();
    const [track] = stream.getVideoTracks();
    track.onended = () =>
      stop("The camera was taken away or switched off. Plug it in again, then press Start.", "error");
    track.onmute = () => status.say("The camera gives no picture at the moment.", "warning");
    track.onunmute = () => status.say("Looking for faces …");
    video.srcObject = stream;
    try {
      await video.play();
    } catch (error) {
      if (attempt === opening) stop(explainCamera(error), "error");
      return;
    }
    if (attempt !== opening) return;
    speed.clear();
    trace.clear();
    origin = performance.now();
    lastFrameAt = origin;
    fitStage();
    setPhase("on");
    status.say("Looking for faces …");
    if (!line.send({ type: "start" })) return;
    nextFrame();
    listCameras();
  }

  async function listCameras() {
    try {
      const found = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput");
      const current = stream?.getVideoTracks()[0]?.getSettings().deviceId ?? model.get("camera");
      const options = found.map((d, i) => [d.deviceId, d.label || `Camera ${i + 1}`]);
      cameras.fill(options.length ? options : [["", "default"]], current);
    } catch (error) {
      console.warn("fer_nb: the cameras cannot be listed", error);
    }
  }

  function nextFrame() {
    if (video.requestVideoFrameCallback) frameRequest = video.requestVideoFrameCallback(onFrame);
    else {
      // Firefox before 132
      cancelAnimationFrame(frameRequest);
      frameRequest = requestAnimationFrame((now) => onFrame(now, {}));
    }
  }

  function onFrame(now, meta) {
    if (!stream) return;
    lastFrameAt = performance.now();
    // captureTime is when the camera took it; without it, when the page got it.
    frameShown = { at: Math.min(meta.captureTime ?? now, now) };
    nextFrame();
    pump();
  }

  // --- to the kernel and back ---
  /**
   * Encode the newest frame. While another is with the kernel this begins just early enough to be
   * ready when its answer comes: a frame encoded sooner would only grow old.
   */
  async function pump() {
    if (phase !== "on" || encoding || ready || document.hidden) return;
    if (!frameShown || frameShown === sentFrame) return;
    if (flying && performance.now() - flying.sent < usual.trip - usual.encode) return;
    const frame = frameShown;
    const attempt = opening;
    const begun = performance.now();
    sentFrame = frame;
    encoding = true;
    try {
      const scale = Math.min(1, Math.max(...limits) / Math.max(video.videoWidth, video.videoHeight));
      const width = Math.round(video.videoWidth * scale);
      const height = Math.round(video.videoHeight * scale);
      const bytes = await encoder.encode(video, width, height, 0.8);
      if (attempt !== opening || phase !== "on") return;
      ready = { bytes, frame, at: performance.now() };
      usual.encode += 0.1 * (ready.at - begun - usual.encode);
    } catch (error) {
      console.warn("fer_nb: a frame could not be sent", error);
    } finally {
      encoding = false;
    }
    dispatch();
  }

  /** Send the encoded frame, if the line is free; one that has waited long is not the newest. */
  function dispatch() {
    if (!ready || flying || phase !== "on") return;
    const { bytes, frame, at } = ready;
    ready = null;
    if (performance.now() - at > STALE_AFTER) return void pump();
    const pad = load.size();
    flying = { seq: ++seq, captured: frame.at, sent: performance.now(), pad };
    const t = (frame.at - origin) / 1000;
    if (!line.send({ type: "frame", seq, t, pad, delay: lastDelay }, [bytes])) return;
    setTimeout(pump, Math.max(0, usual.trip - usual.encode));
  }

  function onAnswer(message) {
    if (!flying || message.seq !== flying.seq) {
      if (phase === "off" && status.node.dataset.kind === "warning") {
        status.say("The kernel answers again. Press Start.");
      }
      return;
    }
    const { captured, sent, pad } = flying;
    flying = null;
    const trip = performance.now() - sent;
    load.add(pad, trip - message.ms);
    usual.trip += 0.1 * (trip - usual.trip);
    if (phase !== "on") return;
    dispatch();
    pump();
    show(message, (captured - origin) / 1000);
    requestAnimationFrame((now) => {
      // After this paint the answer is on the screen.
      lastDelay = now - captured;
      speed.add(now, lastDelay);
    });
  }

  function show(message, t) {
    faces = message.faces.map((face) => {
      const soft = soften(face, t);
      return {
        ...face,
        ...soft,
        color: valenceColor(config, soft.valence),
        tag: String(face.id),
        tagColor: personColor(config, face.id),
      };
    });
    for (const face of faces) face.caption = caption(face);
    const main = shownFace();
    overlay.redraw();
    trace.add(t, faces);
    if (message.said) announced = { text: message.said, until: performance.now() + 4000 };
    const now = performance.now();
    if (now - panelsAt < PANELS_EVERY) return;
    panelsAt = now;
    trace.redraw();
    plane.show(
      faces.map((face) => ({
        valence: face.valence,
        arousal: face.arousal,
        color: face.tagColor,
        tag: face.tag,
        main: face === main,
        trail: trace.tail(face.id, 3),
        baseline: face.baseline && [face.baseline.valence, face.baseline.arousal],
      })),
    );
    bars.show(main?.probs ?? null, main?.baseline?.probs);
    describe(main);
    if (message.calibration) status.say(`Look neutral … ${message.calibration.toFixed(1)} s left`);
    else if (now < announced.until) status.say(announced.text);
    else if (faces.length) status.say(faces.length === 1 ? "1 face." : `${faces.length} faces.`);
    else status.say("No face found. Come nearer, face the camera, and let light fall on your face.");
    if (message.recorded) live.textContent = `● ${clock(message.recorded.seconds)} · ${message.recorded.rows} rows`;
    const rate = speed.read();
    setText(badge, rate ? `${rate.fps.toFixed(0)} fps · ${rate.delay.toFixed(0)} ms` : "…");
  }

  /** Exponential smoothing with the time that really passed. */
  function soften(face, t) {
    const old = smooth.get(face.id);
    const keep = old && t > old.t ? Math.exp(-(t - old.t) / SMOOTH_SECONDS) : 0;
    const mix = (before, value) => keep * before + (1 - keep) * value;
    const probs = face.probs.map((p, i) => (keep ? mix(old.probs[i], p) : p));
    const next = {
      t,
      probs,
      valence: keep ? mix(old.valence, face.valence) : face.valence,
      arousal: keep ? mix(old.arousal, face.arousal) : face.arousal,
    };
    smooth.set(face.id, next);
    for (const [id, { t: seen }] of smooth) if (t - seen > 5) smooth.delete(id);
    return { ...next, emotion: config.emotions[probs.indexOf(Math.max(...probs))] };
  }

  function describe(main) {
    if (!main) setText(heading, "No face");
    else {
      let text = `${main.emotion} · valence ${main.valence.toFixed(1)} · arousal ${main.arousal.toFixed(1)}`;
      if (main.baseline) {
        const signed = (x) => {
          const size = Math.abs(x).toFixed(1);
          return `${size === "0.0" ? "±" : x < 0 ? "−" : "+"}${size}`;
        };
        text += ` (change ${signed(main.valence - main.baseline.valence)}, ${signed(main.arousal - main.baseline.arousal)})`;
      }
      setText(heading, text);
    }
    const ids = faces.map((face) => face.id).join();
    if (people.dataset.ids !== `${ids}/${main?.id}`) {
      people.dataset.ids = `${ids}/${main?.id}`;
      people.hidden = faces.length < 2;
      const focused = people.contains(document.activeElement) ? document.activeElement.textContent : null;
      people.replaceChildren(
        ...faces.map((face) =>
          button(face.tag, () => (chosen = face.id), {
            class: "fer-person",
            style: `background:${face.tagColor};color:${inkOn(face.tagColor)}`,
            "aria-label": `Show face ${face.id}`,
            "aria-pressed": String(face === main),
          }),
        ),
      );
      if (focused) [...people.children].find((node) => node.textContent === focused)?.focus();
    }
  }

  stage.addEventListener("click", (event) => {
    const area = stage.getBoundingClientRect();
    const across = (event.clientX - area.left) / area.width;
    const x = model.get("mirror") ? 1 - across : across;
    const y = (event.clientY - area.top) / area.height;
    const hit = faces.find((f) => x >= f.x && x <= f.x + f.w && y >= f.y && y <= f.y + f.h);
    if (hit) chosen = hit.id;
  });

  function onMessage(message, buffers) {
    if (message.type === "taken") {
      if (message.view !== line.view && phase !== "off") {
        stop("The preview now runs in another view of this cell.", "info", false);
      }
    } else if (!line.hears(message)) return;
    else if (message.type === "answer") onAnswer(message);
    else if (message.type === "failed") stop(message.text, "error");
    else if (message.type === "file") saveFile(message.name, message.mime, buffers[0]);
    else if (message.type === "stop") {
      if (phase !== "off") stop("Stopped from the notebook.", "info");
    }
  }

  /** Look after everything that sends no event: a silent kernel, a silent camera. */
  function watch() {
    const now = performance.now();
    if (phase === "opening" && stream && now - lastFrameAt > DARK_AFTER) {
      return status.say(
        "The camera is on but gives no picture. Press Stop, close other programs that use it or " +
          "choose another camera, then press Start.",
        "warning",
      );
    }
    if (phase !== "on") return;
    const { status: kernel, connection } = kernelState(model);
    if (video.paused && root.isConnected && !document.hidden) {
      video.play().catch((error) => console.warn("fer_nb: the video does not resume", error));
    }
    if (flying) {
      const silent = now - flying.sent;
      if (silent > GIVE_UP_AFTER) {
        stop(
          "The kernel has not answered for 30 seconds, so the camera was switched off. Wait until it " +
            "is free (or interrupt it), then press Start.",
          "warning",
        );
      } else if (silent > LOST_AFTER && kernel === "idle" && connection === "connected") {
        flying = null; // the frame or its answer was lost: go on with the newest
        dispatch();
        pump();
      } else if (silent > BUSY_AFTER) {
        status.say(
          connection === "connected" || connection === "unknown"
            ? "The kernel is busy with something else. The measurements go on as soon as it is free."
            : "The connection to the kernel is lost; waiting for it to come back …",
          "warning",
        );
      }
    } else if (now - lastFrameAt > DARK_AFTER && !document.hidden && root.isConnected) {
      status.say("The camera has given no new picture for a while. Stop and start it again.", "warning");
    } else pump();
  }

  function kernelGone() {
    if (stopped) return;
    model.set("recording", false);
    stop(KERNEL_GONE, "error", false);
    switchOff(root);
  }

  const timer = setInterval(watch, 500);
  const wake = () => document.hidden || watch();
  const plugged = () => listCameras();
  const leave = () => phase !== "off" && stop("Stopped.");
  model.on("msg:custom", onMessage);
  model.on("change:mirror", setMirror);
  model.on("change:recording", syncButtons);
  model.on("change:rows", syncButtons);
  model.on("change:size", reopen);
  model.on("change:camera", reopen);
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", wake);
  navigator.mediaDevices?.addEventListener?.("devicechange", plugged);

  return () => {
    stopped = true;
    clearInterval(timer);
    model.off("msg:custom", onMessage);
    model.off("change:mirror", setMirror);
    model.off("change:recording", syncButtons);
    model.off("change:rows", syncButtons);
    model.off("change:size", reopen);
    model.off("change:camera", reopen);
    window.removeEventListener("pagehide", leave);
    document.removeEventListener("visibilitychange", wake);
    navigator.mediaDevices?.removeEventListener?.("devicechange", plugged);
    const was = phase;
    release();
    if (was !== "off") line.send({ type: "stop" });
    line.close();
    encoder.dispose();
    for (const part of [overlay, plane, trace]) part.dispose();
  };
}

export default { render };
