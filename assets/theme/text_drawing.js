// The view of demos/text_drawing_view.py: pictures of a prompt, the film of the steps, the nearest training pictures.
// Runs after sheets.js.
const [grid, slider, play, words] = [".sample-grid", ".film-bar input", ".film-play", ".film-words"].map(find);
const lines = { noisy: find(".film-noisy"), clean: find(".film-clean") };
let film = null;   // the film on screen
let timer = null;

function show() {
  const value = props.value;
  find(".text-drawing").classList.toggle("drawing", Boolean(value?.live));
  if (value?.live) return showLive(value.live);
  if (!value?.sheet) return;
  grid.classList.remove("alone");
  fillGrid(grid, value.sheet, alone);
  mark(grid, () => "");
  for (const cell of grid.children) {
    cell.ariaLabel = `Picture ${Number(cell.dataset.place) + 1} of “${value.prompt}”`;
    cell.setAttribute("aria-pressed", "false");
  }
  find(".notice").textContent = value.notice;
  find(".near-note").textContent = value.note;
  find(".near ol").replaceChildren(...value.near.map(neighbour));
  find(".near h4").hidden = !value.near.length;  // nobody knows what it was trained on
  find(".plain-switch").hidden = value.sheet.plain.url === value.sheet.smooth.url;
  Object.assign(find(".save-drawn"), { href: value.download.url, download: value.download.orig_name });
  stop();
  film = value.film;
  slider.disabled = play.disabled = false;
  slider.max = film.noise.length - 1;
  // Where both lines differ most: still mostly noise, and already a guess.
  slider.value = Math.round(slider.max * 0.35);
  scrub();
}

function neighbour(near) {
  const item = make("li", "");
  const picture = make("img", "");
  Object.assign(picture, { src: near.picture, alt: "" });
  item.append(picture, make("span", "near-caption", near.caption), make("span", "near-similarity", near.similarity.toFixed(2)));
  return item;
}

// While it draws: the pictures it foresees grow sharper in the grid.
function showLive(live) {
  stop();
  const sheet = {
    count: live.columns ** 2, columns: live.columns, smooth_side: live.side, plain_side: live.side,
    smooth: { url: live.clean }, plain: { url: live.clean },
  };
  if (grid.children.length !== sheet.count) fillGrid(grid, sheet, alone);
  else [...grid.children].forEach((cell, place) => paint(cell.firstChild, sheet, place));
  for (const name of ["noisy", "clean"]) strip(lines[name], live[name], live.side, live.columns, 0);
  slider.disabled = play.disabled = true;
  slider.max = live.total;
  slider.value = live.done;
  tell(live.done, live.total, live.noise);
}

// One canvas for each picture of the step, cut out of the image at `url` from place `first` on.
async function strip(line, url, side, columns, first) {
  const asked = (line.asked = `${url} ${first}`);
  const image = await fetched(url);
  if (!image || line.asked !== asked) return;
  while (line.children.length < 4) line.append(make("canvas", ""));
  [...line.children].forEach((canvas, number) => {
    const [row, column] = [Math.floor((first + number) / columns), (first + number) % columns];
    if (canvas.width !== side) canvas.width = canvas.height = side;
    canvas.getContext("2d").drawImage(image, column * side, row * side, side, side, 0, 0, side, side);
  });
}

function tell(done, total, noise) {
  words.textContent = `step ${done} of ${total}: ${Math.round(100 * noise)}% noise`;
  slider.setAttribute("aria-valuetext", words.textContent);
}

function scrub() {
  const step = Number(slider.value);
  for (const name of ["noisy", "clean"]) strip(lines[name], film[name].url, film.side, 4, 4 * step);
  tell(step, slider.max, film.noise[step]);
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
  }, 160);
  scrub();
}

function alone(place) {
  const chosen = grid.children[place];
  const single = grid.classList.toggle("alone");
  for (const cell of grid.children) cell.setAttribute("aria-pressed", single && cell === chosen);
}

slider.addEventListener("input", () => { stop(); scrub(); });
play.addEventListener("click", () => (timer ? stop() : start()));
find(".plain-switch").addEventListener("click", (event) => {
  event.target.setAttribute("aria-pressed", room().classList.toggle("plain-pictures"));
});
watch("value", show);
show();
