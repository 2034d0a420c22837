// The grid of samples with its latent walk (demos/sample_views.py). Runs after sheets.js.
const [grid, frame, slider, play] = [".sample-grid", ".walk-frame", "input", ".walk-play"].map(find);
let value = null;  // the samples on screen
let picks = [];
let walk = null;
let timer = null;

function show() {
  const news = props.value;
  if (news?.sheet) {
    value = { ...news };
    picks = value.picks;
    showSamples();
    startWalk(value.walk, false);
  } else if (news?.enlarged && same(news.asked, value.asked)) {
    Object.assign(value, news.enlarged);
    showSamples();
  } else if (news?.walk && same(news.asked, value.asked)) {
    picks = news.picks;
    startWalk(news.walk, !matchMedia("(prefers-reduced-motion: reduce)").matches);
  } else return;  // what we have reported ourselves
  report();
  draw();
}

function showSamples() {
  fillGrid(grid, value.sheet, pick);
  find(".plain-switch").textContent = `Show ${value.plain_words}`;
  find(".plain-switch").hidden = value.sheet.plain.url === value.sheet.smooth.url;
  find(".enlarge").hidden = !value.can_enlarge;
  find(".notice").textContent = value.notice;
  save(".save-samples", value.download);
}

// What the server has to know to draw more, and none of its own files: those may be gone there by now.
function report() {
  props.value = { asked: value.asked, picks };
}

function startWalk(drawn, playing) {
  walk = drawn;
  stopPlaying();
  if (!walk) return;
  slider.max = walk.sheet.count - 1;
  slider.value = Math.floor(slider.max / 2);
  if (playing) startPlaying(0);
}

function draw() {
  mark(grid, (place) => (picks[0] === place ? "A" : "") + (picks[1] === place ? "B" : ""));
  const live = walk && picks.length === 2;
  find(".walk").classList.toggle("empty", !live);
  slider.disabled = play.disabled = !live;
  find(".walk-words").textContent = live ? "Choose two for another walk."
    : ["Choose two samples: first A, then B.", "Now choose B.", ""][picks.length];
  save(".save-walk", live ? walk.film : null);
  if (live) showFrame();
  else clear(frame);
}

function showFrame() {
  const place = Number(slider.value);
  slider.ariaValueText = `${Math.round((100 * place) / slider.max)}% of the way from A to B`;
  paint(frame, walk.sheet, place);
}

function pick(place) {
  picks = picks.length !== 1 ? [place] : picks[0] === place ? [] : [...picks, place];
  stopPlaying();
  if (picks.length < 2) return draw();
  walk = null;
  report();
  draw();
  trigger("submit");
}

function startPlaying(from) {
  slider.value = from;
  play.textContent = "❚❚";
  play.ariaLabel = "Pause the walk";
  timer = setInterval(() => {
    if (Number(slider.value) >= Number(slider.max)) return stopPlaying();
    slider.value = Number(slider.value) + 1;
    showFrame();
  }, 60);
}

function stopPlaying() {
  clearInterval(timer);
  timer = null;
  play.textContent = "▶";
  play.ariaLabel = "Play the walk";
}

function save(selector, file) {
  const link = find(selector);
  link.hidden = !file;
  if (file) Object.assign(link, { href: file.url, download: file.orig_name ?? "" });
}

play.addEventListener("click", () => {
  if (timer) return stopPlaying();
  startPlaying(Number(slider.value) < Number(slider.max) ? slider.value : 0);
});
slider.addEventListener("input", () => { stopPlaying(); showFrame(); });
find(".plain-switch").addEventListener("click", (event) => {
  event.target.setAttribute("aria-pressed", room().classList.toggle("plain-pictures"));
});
find(".enlarge").addEventListener("click", () => trigger("apply"));
watch("value", show);
show();
