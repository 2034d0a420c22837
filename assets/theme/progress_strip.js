// The view of demos/progress_view.py: rows of enlarged small pictures, and the film of the denoising steps.
const TILES = 8;
const find = (selector) => element.querySelector(selector);
const make = (tag, name, words = "") => Object.assign(document.createElement(tag), { className: name, textContent: words });
const [rows, note, film, slider, play] = [".progress-rows", ".progress-note", ".film", ".film-bar input", ".film-play"].map(find);
let shown = null;    // the film on screen
let timer = null;

// One element a picture, all over the same image: step rows below each other, eight pictures a row.
function tiles(holder, image, steps = 1) {
  holder.style.setProperty("--steps", steps);
  holder.replaceChildren(...Array.from({ length: TILES }, (_, place) => {
    const tile = make("i", "");
    tile.style.setProperty("--place", place);
    if (image) tile.style.backgroundImage = `url("${image}")`;
    return tile;
  }));
}

const distance = (value) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));

function figure(name, words, unit) {
  const item = make("div", name);
  item.append(make("b", "", words), make("span", "", unit));
  return item;
}

function row(content, worst) {
  const line = make("div", content.tiles ? "progress-row" : "progress-row waiting");
  const words = make("div", "progress-words");
  const title = make("h4", "");
  if (content.year) title.append(make("span", "progress-year", content.year), " ");
  title.append(content.name);
  words.append(title, ...content.words.map((text) => make("p", "", text)));
  const pictures = make("div", "tiles");
  pictures.setAttribute("role", "img");
  pictures.setAttribute("aria-label", content.tiles ? `Eight pictures: ${content.name}` : `${content.name}: not drawn yet`);
  tiles(pictures, content.tiles);
  const figures = make("div", "progress-figures");
  const far = figure("progress-distance", distance(content.distance), "distance");
  const bar = make("div", "progress-bar");
  bar.style.setProperty("--share", Math.sqrt(content.distance / worst));
  far.append(bar);
  figures.append(far);
  if (content.bits) figures.append(figure("", content.bits.toFixed(2), "bits a pixel"));
  else if (content.year) figures.append(figure("", "no", "p(x) to read"));
  if (content.took) figures.append(figure("", content.took, "for eight"));
  line.append(words, pictures, figures);
  return line;
}

function show() {
  const value = props.value;
  if (!value?.rows) return;
  const worst = Math.max(...value.rows.map((content) => content.distance));
  rows.replaceChildren(...value.rows.map((content) => row(content, worst)));
  note.textContent = (value.recorded ? `Recorded ${value.recorded}. ` : "") + value.notice +
    " Distance: how far 960 samples are from unseen pictures in the eyes of a small classifier (Fréchet distance, 0 is best;" +
    " the bar shows its square root). It sees shapes and overlooks grain, so the mixture does better than it looks. Bits a pixel: what an unseen picture costs under the model, at most; 8 is knowing nothing.";
  film.classList.toggle("empty", !value.film);
  if (value.film && value.film.noisy !== shown?.noisy) startFilm(value.film);
}

function startFilm(content) {
  shown = content;
  stop();
  tiles(find(".film-noisy"), content.noisy, content.noise.length);
  tiles(find(".film-foreseen"), content.foreseen, content.noise.length);
  slider.max = content.noise.length - 1;
  // Where both lines differ most: still mostly noise, and already a guess.
  slider.value = Math.round(slider.max * 0.44);
  scrub();
}

function scrub() {
  const step = Number(slider.value);
  film.style.setProperty("--step", step);
  const words = `step ${step} of ${slider.max}: ${Math.round(100 * shown.noise[step])}% noise`;
  find(".film-words").textContent = words;
  slider.setAttribute("aria-valuetext", words);
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
  }, 220);
  scrub();
}

slider.addEventListener("input", () => { stop(); scrub(); });
play.addEventListener("click", () => (timer ? stop() : start()));
watch("value", show);
show();
