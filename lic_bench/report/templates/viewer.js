// The viewer of saved pictures: two of one image on each other, a slider between them, or their difference.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("picture-data").textContent);
  const root = document.getElementById("viewer");
  const part = (name) => root.querySelector(`[name=${name}]`);
  const [image, codec, quality, left, view, zoom, gain, split] =
    ["image", "codec", "quality", "left", "view", "zoom", "gain", "split"].map(part);
  const [stage, sheet, under, over] = [".stage", ".layers", ".under", ".over"].map((name) => root.querySelector(name));
  const rows = root.querySelector("tbody");
  const matched = part("matched");
  const several = new Set(data.images.flatMap((item) => item.points.map((point) => point.run))).size > 1;
  const nameOf = (point) => (several ? `${point.codec} (${point.run})` : point.codec);
  const nearest = (points, bpp) => points.reduce((a, b) => (Math.abs(b.bpp - bpp) < Math.abs(a.bpp - bpp) ? b : a));
  const fixed = (value, digits) => (value === null ? "-" : value.toFixed(digits));

  let points = []; // of the image
  let now; // the point that is shown

  function byCodec() {
    const codecs = new Map();
    for (const point of points) codecs.set(nameOf(point), [...(codecs.get(nameOf(point)) ?? []), point]);
    for (const own of codecs.values()) own.sort((a, b) => a.bpp - b.bpp);
    return codecs;
  }

  function chooseImage() {
    const item = data.images[Number(image.value)];
    points = item.points;
    const codecs = byCodec();
    codec.replaceChildren(...[...codecs.keys()].map((name) => new Option(name)));
    left.replaceChildren(...(item.original ? [new Option("original", "original")] : []), ...[...codecs.keys()].map((name) => new Option(name)));
    root.querySelector(".no-original").hidden = Boolean(item.original);
    const same = now && codecs.get(nameOf(now));
    const first = codecs.values().next().value;
    show(same ? nearest(same, now.bpp) : first[Math.floor(first.length / 2)]);
  }

  function show(point) {
    now = point;
    codec.value = nameOf(point);
    const own = byCodec().get(codec.value);
    quality.replaceChildren(...own.map((p) => new Option(`${p.quality} (${p.bpp.toFixed(3)} bpp)`, own.indexOf(p))));
    quality.value = String(own.indexOf(point));
    const item = data.images[Number(image.value)];
    const other = left.value === "original" ? null : nearest(byCodec().get(left.value), point.bpp);
    under.src = data.addresses[other ? other.picture : item.original];
    over.src = data.addresses[point.picture];
    under.alt = other ? `${item.name}, ${nameOf(other)}, quality ${other.quality}` : `${item.name}, original`;
    over.alt = `${item.name}, ${nameOf(point)}, quality ${point.quality}`;
    root.querySelector(".says").textContent =
      `Left: ${other ? `${nameOf(other)}, quality ${other.quality}, ${other.bpp.toFixed(3)} bpp` : "original"}. ` +
      `Right: ${nameOf(point)}, quality ${point.quality}, ${point.bpp.toFixed(3)} bpp, ${fixed(point.psnr_db, 2)} dB.`;
    fillTable();
    place();
  }

  function fillTable() {
    const shown = [...byCodec().values()].flatMap((own) => (matched.checked ? nearest(own, now.bpp) : own));
    const timed = points.some((point) => point.decode_ms !== null);
    root.querySelectorAll(".time").forEach((head) => { head.hidden = !timed; });
    rows.replaceChildren(
      ...shown.map((point) => {
        const row = document.createElement("tr");
        row.className = point === now ? "chosen" : "";
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = nameOf(point);
        button.setAttribute("aria-pressed", String(point === now));
        button.addEventListener("click", () => {
          show(point);
          rows.querySelector("[aria-pressed=true]")?.focus();
        });
        row.insertCell().append(button);
        const values = [point.quality, fixed(point.bpp, 4), fixed(point.psnr_db, 2), fixed(point.ms_ssim, 4)];
        if (timed) values.push(fixed(point.encode_ms, 1), fixed(point.decode_ms, 1));
        for (const value of values) Object.assign(row.insertCell(), { className: "right", textContent: value });
        return row;
      }),
    );
  }

  /** Sizes the pictures and cuts the upper one off where the slider is, whatever part of them is in view. */
  function place() {
    const item = data.images[Number(image.value)];
    const fits = zoom.value === "fit";
    sheet.style.width = fits ? `${Math.min(stage.clientWidth, 2 * item.width)}px` : `${item.width * Number(zoom.value)}px`;
    sheet.style.aspectRatio = `${item.width} / ${item.height}`;
    sheet.classList.toggle("sharp", Number(zoom.value) > 1);
    const difference = view.value === "difference";
    sheet.classList.toggle("difference", difference);
    sheet.style.filter = difference ? `brightness(${gain.value})` : "";
    gain.disabled = !difference;
    split.disabled = difference;
    const seen = Math.min(stage.clientWidth, sheet.clientWidth);
    split.style.width = `${seen}px`;
    const cut = stage.scrollLeft + (seen * Number(split.value)) / 100;
    over.style.clipPath = difference ? "" : `inset(0 0 0 ${cut}px)`;
    root.querySelector(".edge").style.left = `${cut}px`;
    root.querySelector(".edge").hidden = difference;
  }

  image.replaceChildren(...data.images.map((item, index) => new Option(item.name, index)));
  image.addEventListener("change", chooseImage);
  codec.addEventListener("change", () => show(nearest(byCodec().get(codec.value), now.bpp)));
  quality.addEventListener("change", () => show(byCodec().get(codec.value)[Number(quality.value)]));
  left.addEventListener("change", () => show(now));
  matched.addEventListener("change", fillTable);
  for (const control of [view, zoom, gain]) control.addEventListener("change", place);
  split.addEventListener("input", place);
  stage.addEventListener("scroll", place);
  stage.addEventListener("pointermove", (event) => {
    if (event.buttons !== 1 || split.disabled) return;
    const box = stage.getBoundingClientRect();
    split.value = String((100 * (event.clientX - box.left)) / Math.min(stage.clientWidth, sheet.clientWidth));
    place();
  });
  new ResizeObserver(place).observe(stage);
  root.hidden = false;
  chooseImage();
})();
