// One listening test (demos/listening.py): all versions run together, one is heard. Text only through textContent.
const find = (selector) => element.querySelector(selector);
const [box, list, play, place, time, download] = [
  ".listening", ".listening-tracks", ".listening-play", ".listening-controls input", ".listening-time", ".player-download",
].map(find);
let tracks = []; // { button, audio, head, value }
let chosen = 0;
let run = null;

const make = (tag, parent, className = "", text = "") => {
  const made = parent.appendChild(document.createElement(tag));
  made.className = className;
  made.textContent = text;
  return made;
};
const heard = () => tracks[chosen]?.audio;

const choose = (index) => {
  const now = heard()?.currentTime ?? 0;
  chosen = index;
  for (const [number, { button, audio, value }] of tracks.entries()) {
    button.setAttribute("aria-pressed", String(number === index));
    audio.muted = number !== index;
    audio.volume = value.volume;
  }
  const audio = heard();
  if (Math.abs(audio.currentTime - now) > 0.05) audio.currentTime = now;
  download.href = tracks[index].value.sound.url;
  download.download = tracks[index].value.sound.orig_name;
};
const start = () => {
  for (const other of document.querySelectorAll("audio")) if (!box.contains(other)) other.pause();
  const now = heard().ended ? 0 : heard().currentTime;
  for (const { audio } of tracks) {
    audio.currentTime = now;
    audio.play().catch(() => {}); // a browser that forbids it leaves the button to the visitor
  }
};
const pause = () => tracks.forEach(({ audio }) => audio.pause());
const seek = (seconds) => {
  for (const { audio } of tracks) audio.currentTime = seconds;
  follow();
};

const follow = () => {
  const audio = heard();
  if (!audio) return;
  const total = props.value.seconds;
  const share = Math.min(1, audio.currentTime / total);
  for (const { head } of tracks) head.style.left = `${100 * share}%`;
  place.value = share;
  time.textContent = `${audio.currentTime.toFixed(1)} / ${total.toFixed(1)} s`;
  play.textContent = audio.paused ? "▶" : "❚❚";
  play.setAttribute("aria-label", audio.paused ? "Play the chosen version" : "Pause");
  if (!audio.paused) requestAnimationFrame(follow);
};

const show = () => {
  const value = props.value;
  if (!value?.tracks) return; // Gradio sends values of its own before the first sound
  const fresh = value.run !== run;
  if (!fresh) return;
  run = value.run;
  pause();
  box.hidden = false;
  list.replaceChildren();
  tracks = value.tracks.map((track, index) => {
    const figure = make("figure", list);
    const button = make("button", figure);
    button.type = "button";
    make("b", button, "", track.title);
    make("span", button, "", track.words);
    const picture = make("div", figure, "listening-picture");
    for (const mode of ["light", "dark"]) {
      const image = make("img", picture, `on-${mode}`);
      image.src = track[mode].url;
      image.alt = `Spectrogram, 0 to 8 kHz: ${track.title}`;
    }
    const cut = make("i", picture, "listening-cut");
    cut.style.bottom = `${(100 * value.cut) / 8000}%`;
    make("span", cut, "", `${value.cut / 1000} kHz`);
    const head = make("i", picture, "playhead");
    const audio = make("audio", figure);
    audio.preload = "auto";
    audio.src = track.sound.url;
    button.addEventListener("click", () => {
      choose(index);
      if (heard().paused) start();
    });
    picture.addEventListener("click", (event) => {
      const area = picture.getBoundingClientRect();
      choose(index);
      seek(((event.clientX - area.left) / area.width) * value.seconds);
      start();
    });
    for (const event of ["play", "pause", "seeked", "ended"]) audio.addEventListener(event, follow);
    return { button, audio, head, value: track };
  });
  choose(Math.min(value.chosen, tracks.length - 1));
  follow();
};

play.addEventListener("click", () => (heard().paused ? start() : pause()));
place.addEventListener("input", () => seek(place.value * props.value.seconds));
document.addEventListener("play", (event) => {
  if (!box.contains(event.target)) pause();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") pause();
});
watch("value", show);
show();
