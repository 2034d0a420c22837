// The trade-off of demos/stroke_view.py: the pictures of several strengths, and how far each is from the drawing (x)
// against how badly the model guesses it under noise (y, the likeliest on top).
const find = (selector) => element.querySelector(selector);
const make = (tag, name, words = "") => Object.assign(document.createElement(tag), { className: name, textContent: words });
const AREA = { left: 92, right: 776, top: 24, bottom: 326 };
const plot = find("svg");

function draw(tag, attributes, words) {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  if (words !== undefined) shape.textContent = words;
  plot.append(shape);
  return shape;
}

// About `count` round steps from `low` to `high`.
function ticks(low, high, count) {
  const rough = (high - low) / count, unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= rough);
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, place) => first + place * step);
}

const nameOf = (row) => (row.strength ? String(row.strength) : "drawing");

function show() {
  const value = props.value;
  if (!value?.rows) return;
  find(".trade-pictures").replaceChildren(...value.rows.map((row) => {
    const figure = make("figure", "");
    const image = Object.assign(make("img", ""), { src: row.picture, alt: row.strength ? `Strength ${row.strength}` : "The drawing as the model sees it" });
    const words = make("figcaption", "");
    words.append(make("b", "", row.strength ? `strength ${row.strength}` : "the drawing"));
    figure.append(image, words);
    return figure;
  }));
  find(".trade-caption").textContent = `“${value.prompt || "anything"}”, seed ${value.seed}, the same noise for all. AI-generated, all but the drawing.`;
  showPlot(value.rows);
}

function showPlot(rows) {
  plot.replaceChildren();
  const far = Math.max(...rows.map((row) => row.distance)) * 1.12 || 1;
  const all = rows.map((row) => row.surprise);
  const spare = (Math.max(...all) - Math.min(...all)) * 0.14 || 1;
  const [low, high] = [Math.max(0, Math.min(...all) - spare), Math.max(...all) + spare];
  const x = (distance) => AREA.left + (distance / far) * (AREA.right - AREA.left);
  const y = (surprise) => AREA.top + ((surprise - low) / (high - low)) * (AREA.bottom - AREA.top);  // the likeliest on top
  draw("path", { class: "axis", d: `M${AREA.left} ${AREA.top}V${AREA.bottom}H${AREA.right}` });
  for (const tick of ticks(0, far, 5)) draw("text", { class: "tick", x: x(tick), y: AREA.bottom + 24, "text-anchor": "middle" }, tick.toPrecision(2) / 1);
  for (const tick of ticks(low, high, 4)) draw("text", { class: "tick", x: AREA.left - 10, y: y(tick) + 6, "text-anchor": "end" }, Number(tick.toFixed(1)));
  draw("text", { class: "title", x: AREA.left, y: AREA.bottom + 56 }, "← faithful");
  draw("text", { class: "title", x: (AREA.left + AREA.right) / 2, y: AREA.bottom + 56, "text-anchor": "middle" }, "distance to the drawing");
  draw("text", { class: "title", x: AREA.right, y: AREA.bottom + 56, "text-anchor": "end" }, "free →");
  const middle = (AREA.top + AREA.bottom) / 2;
  draw("text", { class: "title", x: 24, y: middle, "text-anchor": "middle", transform: `rotate(-90 24 ${middle})` }, "model's error, realistic →");
  draw("polyline", { class: "way", points: rows.map((row) => `${x(row.distance)},${y(row.surprise)}`).join(" ") });
  const taken = rows.map((row) => box(x(row.distance), y(row.surprise), 16, 16));
  for (const row of rows) {
    const [left, top] = [x(row.distance), y(row.surprise)];
    draw("circle", { class: row.strength ? "point" : "point start", cx: left, cy: top, r: 8 });
    const width = 12 * nameOf(row).length, places = [[0, -22], [0, 24], [18 + width / 2, 0], [-18 - width / 2, 0], [0, -46], [0, 48]];
    const inside = (place) => place.left > AREA.left && place.right < 800 && place.top > 0 && place.bottom < AREA.bottom;
    const candidates = places.map(([right, down]) => box(left + right, top + down, width, 22));
    const chosen = candidates.find((place) => inside(place) && !taken.some((other) => overlap(place, other))) ?? candidates[0];
    taken.push(chosen);
    draw("text", { class: "label", x: (chosen.left + chosen.right) / 2, y: chosen.bottom - 4, "text-anchor": "middle" }, nameOf(row));
  }
  plot.setAttribute("aria-label", rows.map((row) =>
    `${row.strength ? `strength ${row.strength}` : "the drawing"}: distance ${row.distance.toFixed(0)}, error ${row.surprise.toFixed(1)}`).join("; "));
}

const box = (x, y, width, height) => ({ left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 });
const overlap = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

watch("value", show);
show();
