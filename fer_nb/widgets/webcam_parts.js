// What the preview is made of: the camera's excuses, the encoder, the pace, the trace.

const TRACE_SECONDS = 30;

/** What to tell the user about a camera that could not be opened. */
function explainCamera(error) {
  const retry = "then press Start.";
  switch (error?.name) {
    case "NotAllowedError":
      return (
        "The browser was not allowed to use the camera. Allow it (the camera sign in the address " +
        `bar, or the site's settings), ${retry}`
      );
    case "NotFoundError":
      return `No camera was found. Plug one in or switch it on, ${retry}`;
    case "NotReadableError":
    case "AbortError":
      return `The camera is used by another program or does not answer. Close that program, ${retry}`;
    default:
      return `The camera could not be opened (${error?.name ?? "error"}: ${error?.message ?? error}).`;
  }
}

/** Why this page can have no camera at all, or null. */
function whyNoCamera() {
  if (location.protocol === "vscode-webview:" || typeof window.acquireVsCodeApi === "function") {
    return "VS Code gives notebooks no camera. Open the notebook in JupyterLab: fer-nb lab";
  }
  if (!window.isSecureContext) {
    return (
      "This page came over plain http from another machine, and browsers give such pages no camera. " +
      "Use https, or a tunnel (ssh -L 8888:localhost:8888 …) and open http://localhost:8888"
    );
  }
  if (!navigator.mediaDevices?.getUserMedia) {
    return "This front end gives pages no camera. Open the notebook in a browser: fer-nb lab";
  }
  return null;
}

/** Frames of the video as JPEG, in a worker where the page allows one. */
function jpegEncoder() {
  const code = `
    let canvas = null;
    async function encode(bitmap, quality) {
      const { width, height } = bitmap;
      if (!canvas) canvas = new OffscreenCanvas(width, height);
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
      }
      canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
      bitmap.close();
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
      return blob.arrayBuffer();
    }
    // What an asynchronous function throws would never reach the page's onerror.
    onmessage = ({ data: { bitmap, quality } }) =>
      encode(bitmap, quality).then((bytes) => postMessage(bytes, [bytes]), () => postMessage(null));`;
  let worker = null;
  try {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onerror = () => (worker = null); // a strict page policy: encode on the page instead
  } catch {
    worker = null;
  }
  let canvas = null;
  return {
    async encode(video, width, height, quality) {
      if (worker) {
        const asIs = width === video.videoWidth && height === video.videoHeight;
        const bitmap = asIs
          ? await createImageBitmap(video)
          : await createImageBitmap(video, { resizeWidth: width, resizeHeight: height });
        return new Promise((resolve, reject) => {
          const failed = () => reject(new Error("the picture could not be encoded"));
          if (!worker) return failed();
          worker.onerror = () => {
            worker?.terminate();
            worker = null; // from the next picture on, encode on the page
            failed();
          };
          worker.onmessage = ({ data }) => (data ? resolve(data) : worker.onerror());
          worker.postMessage({ bitmap, quality }, [bitmap]);
        });
      }
      canvas ??= document.createElement("canvas");
      canvas.width = width;
      canvas.height = height;
      canvas.getContext("2d", { alpha: false }).drawImage(video, 0, 0, width, height);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
      return blob.arrayBuffer();
    },
    dispose: () => worker?.terminate(),
  };
}

/**
 * Chooses how much ballast the kernel's answers carry, by trying.
 *
 * A Jupyter server leaves Nagle's algorithm on: the small answer waits in the server until the
 * browser has acknowledged the "busy" message before it, which takes a system up to 40 ms. An answer
 * that fills a whole TCP segment (64 KiB on the loopback) does not wait. Where the line is slow, as
 * through a tunnel, the ballast costs more than it saves; so both are timed and the faster is kept.
 */
function ballast(sizes = [0, 66_000], rounds = 15) {
  const times = sizes.map(() => []);
  let turn = 0;
  let best = null;
  return {
    size: () => sizes[best ?? turn % sizes.length],
    /** Milliseconds that a round trip took, without the kernel's own work. */
    add(size, ms) {
      if (best !== null) return;
      times[sizes.indexOf(size)].push(ms);
      turn++;
      if (turn < rounds * sizes.length) return;
      const middle = times.map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
      best = middle.indexOf(Math.min(...middle));
    },
  };
}

/** Frames a second and delay, over the last few seconds. */
function pace() {
  let marks = [];
  return {
    add(at, delay) {
      marks.push([at, delay]);
      marks = marks.filter(([then]) => at - then < 3000);
    },
    clear: () => (marks = []),
    read() {
      if (marks.length < 2) return null;
      const span = marks[marks.length - 1][0] - marks[0][0];
      const delays = marks.map(([, delay]) => delay).sort((a, b) => a - b);
      return { fps: (1000 * (marks.length - 1)) / span, delay: delays[delays.length >> 1] };
    },
  };
}

/** Valence and arousal of the last half minute, a line per face. */
function affectTrace(config) {
  let series = new Map();
  let now = 0;
  let gap = 1; // seconds without a face that interrupt its line; more where answers are slow
  const view = chart("Valence and arousal over the last 30 seconds", (pen, width, height, look) => {
    const left = 52;
    const right = width - 12;
    const high = (height - 24) / 2;
    const sx = (t) => right - ((now - t) / TRACE_SECONDS) * (right - left);
    pen.font = `11px ${look.font}`;
    ["valence", "arousal"].forEach((name, panel) => {
      const top = 6 + panel * (high + 4);
      const bottom = top + high - 4;
      const sy = (v) => bottom - ((v - config.scale[0]) / (config.scale[1] - config.scale[0])) * (bottom - top);
      pen.lineWidth = 1;
      pen.strokeStyle = look.line;
      pen.strokeRect(left + 0.5, top + 0.5, right - left - 1, bottom - top - 1);
      pen.setLineDash([3, 3]);
      pen.beginPath();
      pen.moveTo(left, sy(config.neutral));
      pen.lineTo(right, sy(config.neutral));
      pen.stroke();
      pen.setLineDash([]);
      pen.fillStyle = look.quiet;
      pen.textBaseline = "middle";
      pen.textAlign = "right";
      pen.fillText(name, left - 6, (top + bottom) / 2);
      pen.fillText(config.scale[1], left - 6, top + 5);
      pen.fillText(config.scale[0], left - 6, bottom - 5);
      pen.save();
      pen.beginPath();
      pen.rect(left, top, right - left, bottom - top);
      pen.clip();
      for (const { color, points } of series.values()) {
        pen.strokeStyle = color;
        pen.lineWidth = 2;
        pen.lineJoin = "round";
        pen.beginPath();
        let before = -Infinity;
        for (const point of points) {
          const [x, y] = [sx(point.t), sy(point[name])];
          if (point.t - before > gap) pen.moveTo(x, y); // a face that was away leaves a gap
          else pen.lineTo(x, y);
          before = point.t;
        }
        pen.stroke();
      }
      pen.restore();
    });
    pen.textBaseline = "bottom";
    for (const back of [30, 20, 10, 0]) {
      pen.textAlign = back === 0 ? "right" : back === 30 ? "left" : "center";
      pen.fillText(back ? `−${back} s` : "now", sx(now - back), height - 1);
    }
  });
  view.canvas.classList.add("fer-trace");
  return {
    node: view.canvas,
    dispose: view.dispose,
    add(t, faces) {
      gap = Math.max(1, 0.8 * gap, 3 * (t - now));
      now = t;
      for (const face of faces) {
        if (!series.has(face.id)) series.set(face.id, { color: face.tagColor, points: [] });
        const { valence, arousal } = face;
        series.get(face.id).points.push({ t, valence, arousal });
      }
      for (const [id, { points }] of series) {
        while (points.length && t - points[0].t > TRACE_SECONDS) points.shift();
        if (!points.length) series.delete(id);
      }
    },
    redraw: view.redraw,
    /** The last `count` seconds of one face as [valence, arousal] pairs. */
    tail: (id, seconds) =>
      (series.get(id)?.points ?? [])
        .filter(({ t }) => now - t <= seconds)
        .map(({ valence, arousal }) => [valence, arousal]),
    clear() {
      series = new Map();
      now = 0;
      gap = 1;
      view.redraw();
    },
  };
}
