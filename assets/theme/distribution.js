// The plot of demos/distribution.py: next-token probabilities before and after temperature, top-k and top-p. All of it is
// reckoned here from the model's own probabilities, so it moves with the sliders. tokens.js stands before it.
const part = (name) => element.querySelector(`.sampling-${name}`);
const SLIDERS = [
  { name: "Temperature", min: 0, max: 2, step: 0.05, hint: "below 1 sharpens, above 1 flattens; 0 always takes the likeliest" },
  { name: "Top-k", min: 0, max: 200, step: 1, hint: "keeps so many of the likeliest tokens; 0 keeps all" },
  { name: "Top-p", min: 0.05, max: 1, step: 0.05, hint: "keeps the likeliest tokens that reach this share together" },
];
const sliders = SLIDERS.map(({ name, hint, ...range }, place) => {
  const slider = Object.assign(document.createElement("input"), { type: "range", ...range });
  const number = make("output", "number");
  const label = make("label", "");
  label.append(make("b", "", name), number, slider, make("small", "", hint));
  part("sliders").append(label);
  slider.addEventListener("input", () => {
    props.value = sliders.map((one) => one.slider.value).join(",");
    draw();
    trigger("input");
  });
  return { slider, number };
});

// Temperature first, then top-k, then top-p, as the engines do. `groups` are pairs of a probability and the number of
// tokens that have it, likeliest first. Gives the new probability of a token of each group, and how many tokens are left.
function afterSampling(groups, temperature, topK, topP) {
  if (temperature < 0.001) return { shares: groups.map((_, place) => (place ? 0 : 1)), kept: 1 };
  const weight = (p) => (p / groups[0][0]) ** (1 / temperature);
  let places = topK || Infinity;
  const counts = groups.map(([, count]) => {
    const kept = Math.min(count, places);
    places -= kept;
    return kept;
  });
  const whole = groups.reduce((sum, [p], place) => sum + weight(p) * counts[place], 0);
  let before = 0;
  groups.forEach(([p], place) => {
    const needed = Math.ceil((topP * whole - before) / weight(p) - 1e-9);
    before += weight(p) * counts[place];
    counts[place] = Math.max(Math.min(counts[place], needed), place ? 0 : 1);
  });
  const left = groups.reduce((sum, [p], place) => sum + weight(p) * counts[place], 0);
  return {
    shares: groups.map(([p], place) => (counts[place] ? weight(p) / left : 0)),
    kept: counts.reduce((sum, count) => sum + count, 0),
  };
}

const settings = () => (props.value || "1,0,1").split(",").map(Number);

function row(word, before, after, largest) {
  const item = make("li", after ? "" : "cut");
  const bars = make("span", "bars");
  bars.append(make("span", "before"), make("span", "after"));
  bars.firstChild.style.width = `${(100 * before) / largest}%`;
  bars.lastChild.style.width = `${(100 * after) / largest}%`;
  const chances = make("span", "chances");
  chances.append(make("span", "was", percent(before)), make("span", "is", after ? percent(after) : "cut"));
  item.append(word, bars, chances);
  item.ariaLabel = `${word.textContent}: ${percent(before)} before, ${after ? percent(after) : "cut"} after`;
  return item;
}

function draw() {
  const values = settings();
  sliders.forEach(({ slider, number }, place) => {
    slider.value = values[place];
    number.value = String(values[place]);
  });
  const [temperature, topK, topP] = values;
  const named_ = `temperature ${temperature}, top-k ${topK || "off"}, top-p ${topP}`;
  part("legend").replaceChildren(make("span", "key before", "the model's own"), make("span", "key after", `after ${named_}`));
  if (!props.distribution) return;
  const { context, tokens, groups } = JSON.parse(props.distribution);
  const { shares, kept } = afterSampling(groups, temperature, topK, topP);
  part("context").replaceChildren("After ", make("q", "", context), " the next token is");
  const rest = (of) => Math.max(0, 1 - tokens.reduce((sum, _, place) => sum + of(place), 0));
  const others = [rest((place) => tokens[place][2]), rest((place) => shares[place])];
  const largest = Math.max(...tokens.map(([, , p], place) => Math.max(p, shares[place])), 0.01);
  const rows = tokens.map(([, raw, p], place) => row(named(raw), p, shares[place], largest));
  const all = make("li", "others", "");
  all.append(make("span", "word", "all other tokens"), make("span", "bars", ""), make("span", "chances"));
  all.lastChild.append(make("span", "was", percent(others[0])), make("span", "is", others[1] > 1e-6 ? percent(others[1]) : "cut"));
  part("bars").replaceChildren(...rows, all);
  const among = kept === 1 ? "one token: no chance is left" : `${kept.toLocaleString("en")} tokens`;
  const estimate = !topK && kept > 1000 ? " Beyond the 1,000 likeliest, probabilities are estimated." : "";
  part("words").textContent = `The draw is among ${among}. The likeliest had ${percent(tokens[0][2])} and has ${percent(shares[0])}.${estimate}`;
}
watch("value", draw);
watch("distribution", draw);
draw();
