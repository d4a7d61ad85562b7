// A photo: drop, choose or paste one, click a face, change model and detector.

function render({ model, el: host }) {
  const config = model.get("config");
  const line = kernelLine(model, kernelGone);
  const upload = uploader(line);
  let photo = null; // the kernel's last answer
  let crops = [];
  let chosen = 0;
  let pictureUrl = null;

  // --- the page ---
  const picture = el("img", { alt: "", draggable: "false" });
  const overlay = chart("Boxes around the faces found", (pen, width, height, look) => {
    if (!photo) return;
    const faces = photo.faces.map((face) => ({
      ...face,
      caption: caption(face),
      color: valenceColor(config, face.valence),
      tag: photo.faces.length > 1 ? String(face.id) : undefined,
      tagColor: personColor(config, face.id),
    }));
    drawFaces(pen, width, height, faces, {
      font: look.font,
      chosen: faces.length > 1 ? faces[chosen]?.id : undefined,
    });
  });
  overlay.canvas.classList.add("fer-overlay");
  const empty = el("div", { class: "fer-empty" }, "Drop a photo here, choose or paste one");
  const stage = el("div", { class: "fer-stage fer-drop" }, picture, overlay.canvas, empty);
  const status = statusLine();
  const file = fileInput("Photo file", "image/*", take);
  const cascade = fileInput("Cascade file", ".xml", take);
  const choose = button("Choose a photo", () => file.click(), { class: "fer-button fer-primary" });
  const ask = (type, value) => {
    status.say("Looking at the photo …");
    line.send({ type, value });
  };
  const samples = selectBox(
    "Sample",
    [["", "–"], ...model.get("choices").samples.map((name) => [name, name])],
    "",
    (value) => value && ask("sample", value),
  );
  const models = selectBox("Model", [], "", (value) => ask("model", value));
  const detectors = selectBox("Detector", [], "", (value) => {
    if (value !== "file") return ask("detector", value);
    detectors.select.value = photo?.detector ?? "";
    cascade.click();
  });
  const savePicture = button("Save picture", () => line.send({ type: "save", value: "picture" }));
  const saveTable = button("Save table", () => line.send({ type: "save", value: "table" }));
  const heading = el("div", { class: "fer-heading" }, "No photo yet");
  const people = el("div", { class: "fer-people", role: "group", "aria-label": "Face shown" });
  const bars = probabilityBars(config);
  const plane = affectPlane(config);
  const crop = el("img", { class: "fer-crop", alt: "The face as the network sees it", hidden: true });
  const cropNote = el("div", { class: "fer-note" });
  const root = el(
    "div",
    { class: "fer fer-photo", role: "group", tabindex: "0", "aria-label": "Photo explorer: paste a picture here" },
    el("div", { class: "fer-toolbar" }, choose, samples.box, el("span", { class: "fer-gap" }), models.box, detectors.box),
    status.node,
    el(
      "div",
      { class: "fer-main" },
      stage,
      el("div", { class: "fer-side" }, el("div", { class: "fer-who" }, heading, people), bars.node),
      el("div", { class: "fer-side" }, plane.node, el("div", { class: "fer-seen" }, crop, cropNote)),
    ),
    el("div", { class: "fer-toolbar" }, savePicture, saveTable, el("span", { class: "fer-note" }, "The photo goes only to your own kernel.")),
    file,
    cascade,
  );
  keepKeys(root);
  host.append(root);
  status.say("Drop a photo on the picture, choose or paste one, or take a sample.");
  syncChoices();

  function syncChoices() {
    const { models: names, detectors: found } = model.get("choices");
    models.fill(names.map((name) => [name, name]), photo?.model ?? names[0]);
    detectors.fill(
      [...found.map((name) => [name, name.replace("haar/", "haar: ").replaceAll("_", " ")]), ["file", "another cascade file …"]],
      photo?.detector ?? found[0],
    );
  }

  async function take(chosenFile) {
    status.say(`Sending ${chosenFile.name} to the kernel …`);
    try {
      if (await upload.send(chosenFile)) status.say("Looking at the photo …");
    } catch (error) {
      status.say(`The file was not sent: ${error.message}.`, "error");
    }
  }

  function kernelGone() {
    upload.stop();
    status.say(KERNEL_GONE, "error");
    switchOff(root);
  }

  function show() {
    const face = photo?.faces[chosen];
    savePicture.disabled = saveTable.disabled = !photo;
    overlay.redraw();
    bars.show(face?.probs ?? null);
    plane.show(
      (photo?.faces ?? []).map((f, i) => ({
        valence: f.valence,
        arousal: f.arousal,
        color: personColor(config, f.id),
        tag: photo.faces.length > 1 ? String(f.id) : undefined,
        main: i === chosen,
      })),
    );
    if (face) {
      heading.replaceChildren(
        `${face.emotion} ${Math.round(100 * Math.max(...face.probs))} %`,
        el("div", { class: "fer-subtle" }, `valence ${face.valence.toFixed(1)}, arousal ${face.arousal.toFixed(1)}; nearest published: ${face.nearest}`),
      );
      crop.src = crops[chosen];
      cropNote.textContent = `What the network sees: ${photo.input} × ${photo.input} pixels, grey`;
    } else heading.textContent = photo ? "No face" : "No photo yet";
    crop.hidden = !face;
    cropNote.hidden = !face;
    people.hidden = (photo?.faces.length ?? 0) < 2;
    people.replaceChildren(
      ...(photo?.faces ?? []).map((f, i) => {
        const color = personColor(config, f.id);
        return button(String(f.id), () => pick(i), {
          class: "fer-person",
          style: `background:${color};color:${inkOn(color)}`,
          "aria-label": `Show face ${f.id}, ${f.emotion}`,
          "aria-pressed": String(i === chosen),
        });
      }),
    );
  }

  function pick(i) {
    const focused = people.contains(document.activeElement);
    chosen = i;
    show();
    if (focused) people.children[i]?.focus();
  }

  function dropUrls() {
    for (const url of [pictureUrl, ...crops]) if (url) URL.revokeObjectURL(url);
  }

  function onPhoto(message, buffers) {
    dropUrls();
    const same = photo && photo.name === message.name && photo.faces.length === message.faces.length;
    photo = message;
    if (!same) chosen = 0;
    const url = (view, type) => URL.createObjectURL(new Blob([view], { type }));
    pictureUrl = url(buffers[0], "image/jpeg");
    crops = buffers.slice(1).map((view) => url(view, "image/png"));
    picture.src = pictureUrl;
    picture.alt = `${photo.name}, ${photo.faces.length} faces`;
    empty.hidden = true;
    stage.style.aspectRatio = `${photo.width} / ${photo.height}`;
    stage.style.maxWidth = `${Math.round((560 * photo.width) / photo.height)}px`;
    syncChoices();
    const found = photo.faces.length;
    status.say(
      found
        ? `${photo.name}: ${found === 1 ? "1 face" : `${found} faces`}, ${photo.width} × ${photo.height} pixels, read in ${Math.round(photo.ms)} ms.`
        : `${photo.name}: no face found. Try another detector, or a photo with larger faces.`,
    );
    samples.select.value = model.get("choices").samples.includes(photo.name) ? photo.name : "";
    show();
  }

  stage.addEventListener("click", (event) => {
    const area = stage.getBoundingClientRect();
    const x = (event.clientX - area.left) / area.width;
    const y = (event.clientY - area.top) / area.height;
    const hit = (photo?.faces ?? []).findIndex((f) => x >= f.x && x <= f.x + f.w && y >= f.y && y <= f.y + f.h);
    if (hit >= 0) pick(hit);
  });
  for (const kind of ["dragenter", "dragover"]) {
    stage.addEventListener(kind, (event) => {
      event.preventDefault();
      event.stopPropagation();
      stage.classList.add("fer-over");
    });
  }
  stage.addEventListener("dragleave", () => stage.classList.remove("fer-over"));
  stage.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    stage.classList.remove("fer-over");
    const [dropped] = event.dataTransfer.files;
    if (dropped) take(dropped);
    else status.say("That was no file. Drop a photo from a folder of this computer.", "warning");
  });
  root.addEventListener("paste", (event) => {
    const pasted = [...event.clipboardData.files].find((f) => f.type.startsWith("image/"));
    if (!pasted) return status.say("The clipboard holds no picture.", "warning");
    event.preventDefault();
    event.stopPropagation();
    take(pasted);
  });

  const onMessage = (message, buffers) => {
    if (!line.hears(message)) return;
    if (message.type === "photo") onPhoto(message, buffers);
    else if (message.type === "chunk") upload.acknowledge(message);
    else if (message.type === "failed") {
      upload.fail(message);
      status.say(message.text, "error");
      syncChoices();
    } else if (message.type === "file") saveFile(message.name, message.mime, buffers[0]);
  };
  model.on("msg:custom", onMessage);
  model.on("change:choices", syncChoices);
  show();
  line.send({ type: "hello" });

  return () => {
    line.close();
    upload.stop();
    model.off("msg:custom", onMessage);
    model.off("change:choices", syncChoices);
    overlay.dispose();
    plane.dispose();
    dropUrls();
  };
}

export default { render };
