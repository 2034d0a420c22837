// Runs once for each player (demos/audio_player.py). Text from outside is only ever set as textContent.
const find = (selector) => element.querySelector(selector);
const [audio, picture, axis, playhead, regions, list] = [
  "audio", ".player-picture", ".player-axis", ".playhead", ".player-cues", ".player-sentences",
].map(find);
let run = null; // the run on screen
let newest = null; // address of the longest sound of this run
let loaded = null; // address of the sound that is playing
let silenced = false; // stopped by the visitor: what still arrives of this run must not start to sound

const span = (value) => value.span || value.cues.at(-1).end;
const share = (seconds, value) => `${(100 * seconds) / span(value)}%`;
const current = () => props.value.cues.findLast((cue) => cue.start <= audio.currentTime + 0.01);
const make = (tag, parent, text = "") => {
  const made = parent.appendChild(document.createElement(tag));
  made.textContent = text;
  return made;
};

const load = (seconds, play) => {
  if (loaded !== newest) audio.src = loaded = newest;
  audio.currentTime = seconds;
  if (play) audio.play().catch(() => {}); // a browser that forbids it leaves the play button to the visitor
};
const goOn = (play) => load(audio.ended ? audio.duration : audio.currentTime, play);

const show = () => {
  const value = props.value;
  if (!value?.sound) return; // Gradio sends values of its own before the first sound
  find(".player").hidden = false;
  const fresh = value.run !== run;
  run = value.run;
  newest = value.sound.url;
  audio.setAttribute("aria-label", props.label);
  find(".player-download").href = newest;
  find(".player-download").download = value.sound.orig_name;
  find("figcaption").textContent = value.words;
  picture.classList.toggle("stale", !value.light);
  if (value.light) {
    find(".on-light").src = value.light.url;
    find(".on-dark").src = value.dark.url;
    for (const image of picture.querySelectorAll("img")) image.alt = `${props.label}: ${value.words}`;
  }
  const [start, end] = value.plot;
  axis.style.left = `${100 * start}%`;
  axis.style.width = `${100 * (end - start)}%`;
  regions.replaceChildren();
  list.replaceChildren();
  for (const cue of value.cues) {
    const region = make("i", regions);
    region.style.left = share(cue.start, value);
    region.style.width = share(cue.end - cue.start, value);
    const sentence = make("button", make("li", list));
    sentence.type = "button";
    make("span", sentence, cue.text);
    if (cue.phonemes) make("span", sentence, cue.phonemes).lang = "en-fonipa";
    sentence.addEventListener("click", () => load(cue.start, true));
  }
  if (fresh) load(0, value.play && !silenced);
  else if (audio.paused) goOn(audio.ended && !silenced); // else at the next pause between two sentences
  follow();
};

const follow = () => {
  const value = props.value;
  if (!loaded) return;
  const now = audio.paused && !audio.currentTime ? null : value.cues.indexOf(current());
  playhead.style.left = share(audio.currentTime, value);
  playhead.hidden = now === null;
  for (const parent of [list, regions]) {
    for (const [index, child] of [...parent.children].entries()) child.classList.toggle("current", index === now);
  }
  picture.scrollLeft = axis.offsetLeft + playhead.offsetLeft - picture.clientWidth / 2;
  const sentence = list.children[now];
  if (sentence) list.scrollTop = Math.max(0, sentence.offsetTop - list.offsetTop - list.clientHeight / 3);
  if (!audio.paused) requestAnimationFrame(follow);
};

audio.addEventListener("ended", () => {
  if (loaded !== newest) goOn(true);
});
audio.addEventListener("play", () => {
  for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
  follow();
});
audio.addEventListener("pause", () => {
  if (loaded !== newest && !audio.ended) goOn(false);
});
for (const event of ["seeked", "pause", "loadedmetadata"]) audio.addEventListener(event, follow);
axis.addEventListener("click", (event) => {
  const box = axis.getBoundingClientRect();
  load(((event.clientX - box.left) / box.width) * span(props.value), true);
});
const silence = () => {
  silenced = true;
  audio.pause();
};
const onClick = (event) => {
  const button = event.target.closest(".run-button, .stop-button, .text-examples button");
  if (!button || !element.closest(".cards")?.contains(button)) return;
  // Safari lets a script start a sound only in a player that has been started by a tap before.
  audio.play().catch(() => {});
  silence();
  silenced = button.matches(".stop-button");
};
document.addEventListener("click", onClick, true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") silence();
});
watch("value", show);
show();
