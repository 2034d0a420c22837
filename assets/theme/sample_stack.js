// The look inside WaveNet (demos/sample_stack.py). The window of samples and what was foreseen for them come as JSON; the
// scrubber steps through them here, the other two sliders ask the model again.
const { dilations, rate, markov_bits, receptive_fields, bits_by_depth, bits_by_depth_conditioned } = JSON.parse(props.facts);
const part = (name) => element.querySelector(`.stack-${name}`);
const draw = (parent, name, attributes, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return parent.appendChild(made);
};
const clear = (name, width, height) => {
  const svg = part(name);
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return svg;
};
const ms = (samples) => `${((1000 * samples) / rate).toPrecision(3)} ms`;
const field = (depth) => 1 + dilations.slice(0, depth).reduce((sum, one) => sum + one, 0);

const slider = (name, min, max, onInput, onChange) => {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "range", min, max, step: 1 });
  const shown = document.createElement("output");
  input.ariaLabel = name;
  label.append(Object.assign(document.createElement("b"), { textContent: name }), shown, input);
  part("sliders").append(label);
  input.addEventListener("input", onInput);
  input.addEventListener("change", onChange);
  return { input, shown };
};
const ask = () => {
  props.value = `${depth.input.value},${place.input.value}`;
  trigger("change");
};
const depth = slider("Blocks heard", 1, dilations.length, () => show(), ask);
const place = slider("Place in the sound", 0, 1, () => show(), ask);
const step = slider("Sample by sample", 0, 1, () => show(), () => {});

let window_ = null;
function take() {
  if (!props.window) return;
  window_ = JSON.parse(props.window);
  depth.input.value = window_.depth;
  place.input.max = Math.max(0, window_.total - window_.chances.length);
  place.input.value = window_.place;
  step.input.max = window_.chances.length - 1;
  step.input.value = Math.min(step.input.value, step.input.max);
  show();
}

function show() {
  if (!window_) return;
  const blocks = Number(depth.input.value);
  const now = Number(step.input.value);
  const seen = field(blocks);
  const at = window_.place - window_.first + now; // of the next sample, in window_.levels
  depth.shown.value = `${blocks} of ${dilations.length}`;
  place.shown.value = `${(place.input.value / rate).toFixed(3)} s`;
  step.shown.value = `sample ${(window_.place + now + 1).toLocaleString("en")}`;
  const chances = window_.chances[now];
  const drawn = window_.levels[at];
  const percent = chances[drawn] / 100;
  part("words").textContent =
    `${blocks} ${blocks === 1 ? "block sees" : "blocks see"} the last ${seen.toLocaleString("en")} samples (${ms(seen)}). ` +
    `Drawn: value ${drawn}, foreseen with ${percent < 0.1 ? "less than 0.1" : percent.toPrecision(2)} %.`;
  showPast(at, seen);
  showTree(blocks);
  showChances(chances, drawn);
  showBits(blocks);
}

function showPast(at, seen) {
  const svg = clear("past", 600, 190);
  const span = 2100;
  const x = (place) => 590 - ((at - place) / span) * 580;
  draw(svg, "rect", { class: "seen", x: Math.max(0, x(at - seen)), y: 8, width: Math.min(590, 590 - x(at - seen)), height: 150 });
  const points = [];
  for (let one = Math.max(0, at - span); one < at; one++) points.push(`${x(one).toFixed(1)},${(83 - (window_.levels[one] - 128) * 0.58).toFixed(1)}`);
  draw(svg, "polyline", { class: "wave", points: points.join(" ") });
  for (const back of [0, 800, 1600]) draw(svg, "text", { x: x(at - back), y: 182, "text-anchor": back ? "middle" : "end" }, back ? `−${back / 8} ms` : "now");
}

function showTree(blocks) {
  const rows = Math.min(blocks, 5);
  const svg = clear("tree", 600, 190);
  const x = (back) => 580 - back * 18.2;
  const y = (row) => 165 - row * 29;
  let lit = new Set([0]);
  for (let row = rows; row > 0; row--) {
    const reach = dilations[row - 1];
    const below = new Set();
    for (const back of lit) {
      for (const tap of [back, back + reach]) {
        below.add(tap);
        draw(svg, "line", { class: "link", x1: x(back), y1: y(row), x2: x(tap), y2: y(row - 1) });
      }
    }
    for (let back = 0; back < 32; back++) draw(svg, "circle", { class: lit.has(back) ? "lit" : "", cx: x(back), cy: y(row), r: 5 });
    lit = below;
  }
  for (let back = 0; back < 32; back++) draw(svg, "circle", { class: lit.has(back) ? "lit" : "", cx: x(back), cy: y(0), r: 5 });
  const more = blocks > 5 ? `; above them ${blocks - 5} more, up to ${Math.max(...dilations.slice(0, blocks))} apart` : "";
  draw(svg, "text", { x: 4, y: 186, class: "small" }, `taps ${dilations.slice(0, rows).join(", ")} samples apart${more}`);
}

function showChances(chances, drawn) {
  const svg = clear("chances", 600, 190);
  const highest = Math.max(...chances, 1);
  chances.forEach((chance, value) => {
    const height = (chance / highest) * 145;
    draw(svg, "rect", { class: value === drawn ? "drawn" : "bar", x: 12 + value * 2.25, y: 158 - height, width: 2.25, height });
  });
  draw(svg, "path", { class: "drawn", d: `M${13 + drawn * 2.25} 159 l-7 10 h14 z` });
  draw(svg, "text", { x: 12, y: 186 }, "−1");
  draw(svg, "text", { x: 300, y: 186, "text-anchor": "middle" }, "silence");
  draw(svg, "text", { x: 588, y: 186, "text-anchor": "end" }, "+1");
  draw(svg, "text", { x: 590, y: 20, "text-anchor": "end" }, `highest ${(highest / 100).toPrecision(2)} %`);
}

function showBits(blocks) {
  const svg = clear("bits", 600, 190);
  const all = [...bits_by_depth, ...bits_by_depth_conditioned, markov_bits];
  const [low, high] = [Math.min(...all) - 0.1, Math.max(...all) + 0.1];
  const x = (samples) => 46 + (Math.log2(samples) / 11) * 540;
  const y = (bits) => 10 + ((high - bits) / (high - low)) * 145;
  draw(svg, "line", { class: "markov", x1: x(1), x2: x(2048), y1: y(markov_bits), y2: y(markov_bits) });
  draw(svg, "text", { x: 588, y: y(markov_bits) - 5, "text-anchor": "end", class: "small" }, `order-1 Markov ${markov_bits.toFixed(2)}`);
  for (const [bits, name] of [[bits_by_depth, "alone"], [bits_by_depth_conditioned, "told"]]) {
    draw(svg, "polyline", { class: name, points: bits.map((one, at) => `${x(receptive_fields[at])},${y(one)}`).join(" ") });
    draw(svg, "circle", { class: name, cx: x(receptive_fields[blocks - 1]), cy: y(bits[blocks - 1]), r: 6 });
  }
  for (const samples of [2, 16, 128, 1024]) draw(svg, "text", { x: x(samples), y: 182, "text-anchor": "middle" }, `${samples}`);
  for (const bits of [Math.ceil(low * 2) / 2, Math.floor(high * 2) / 2]) draw(svg, "text", { x: 2, y: y(bits) + 6 }, bits.toFixed(1));
  svg.parentElement.querySelector("figcaption").textContent =
    `Bits per sample of held-out speech by samples seen: ${bits_by_depth[blocks - 1].toFixed(2)} alone, ` +
    `${bits_by_depth_conditioned[blocks - 1].toFixed(2)} with the spectrogram (dashed); a guess costs 8`;
}
watch("window", take);
take();
