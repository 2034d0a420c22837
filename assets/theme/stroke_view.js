// The view of demos/stroke_view.py: drawing and picture, and between them the film of noise added and removed.
const find = (selector) => element.querySelector(selector);
const [drawing, picture, caption, slider, play, words] =
  [".stroke-drawing", ".stroke-picture", ".stroke-caption", ".film-bar input", ".film-play", ".film-words"].map(find);
const lines = { noisy: find(".stroke-noisy"), clean: find(".stroke-clean") };
const percent = (share) => `${Math.round(100 * share)}%`;
let film = null;   // the film on screen
let timer = null;

function show() {
  const value = props.value;
  if (!value?.drawing) return;
  stop();
  if (drawing.src !== value.drawing) drawing.src = value.drawing;
  caption.textContent = `${value.prompt || "anything"}, strength ${value.strength}`;
  picture.alt = `The picture: ${caption.textContent}`;
  picture.classList.toggle("unfinished", Boolean(value.live));
  slider.disabled = play.disabled = Boolean(value.live);
  if (value.live) return showLive(value.live);
  picture.src = value.picture.url;
  Object.assign(find(".save-drawn"), { href: value.picture.url, download: value.picture.orig_name });
  find(".notice").textContent = value.notice;
  film = value.film;
  slider.max = film.noise.length - 1;
  // Where the noise is strongest: here the drawing drowns.
  slider.value = film.adding;
  scrub();
}

// While noise is removed: the picture it foresees grows sharper.
function showLive(live) {
  picture.src = live.clean;
  for (const name of ["noisy", "clean"]) frame(lines[name], live[name], 0);
  slider.max = live.total;
  slider.value = live.done;
  words.textContent = `removing noise, step ${live.done} of ${live.total}: ${percent(live.noise)} noise`;
}

// Frame `place` of the column of squares in the image at `url`.
async function frame(canvas, url, place) {
  const asked = (canvas.asked = `${url} ${place}`);
  if (canvas.source?.address !== url) {
    const image = new Image();
    image.src = url;
    canvas.source = { address: url, image, ready: image.decode().catch(() => null) };
  }
  const { image, ready } = canvas.source;
  await ready;
  if (canvas.asked !== asked || !image.width) return;
  const side = image.width;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  canvas.getContext("2d").drawImage(image, 0, place * side, side, side, 0, 0, side, side);
}

function scrub() {
  const place = Number(slider.value), last = film.noise.length - 1;
  for (const name of ["noisy", "clean"]) frame(lines[name], film[name].url, place);
  const share = `${percent(film.noise[place])} noise`;
  if (place === 0) words.textContent = last ? "the drawing, no noise" : "strength 0: the drawing itself";
  else if (place === film.adding) words.textContent = `noise is added up to here: ${share}`;
  else if (place < film.adding) words.textContent = `adding noise: ${share}`;
  else words.textContent = `removing noise, step ${place - film.adding} of ${last - film.adding}: ${share}`;
  slider.setAttribute("aria-valuetext", words.textContent);
}

function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = "Play";
}

function start() {
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  play.textContent = "Pause";
  timer = setInterval(() => {
    slider.value = Number(slider.value) + 1;
    scrub();
    if (Number(slider.value) >= Number(slider.max)) stop();
  }, 180);
  scrub();
}

slider.addEventListener("input", () => { stop(); scrub(); });
play.addEventListener("click", () => (timer ? stop() : start()));
watch("value", show);
show();
