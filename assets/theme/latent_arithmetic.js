// The board for latent arithmetic (demos/sample_views.py). Runs after sheets.js.
const grid = find(".sample-grid");
const TERMS = [["a", ""], ["b", "−"], ["c", "+"]];
const NOTHING = { a: [], b: [], c: [] };
let value = null;  // the samples on screen
let terms = NOTHING;
let result = null;
let current = "a";

function show() {
  const news = props.value;
  if (news?.sheet) {
    value = news;
    terms = { ...NOTHING, ...value.terms };
    result = value.result;
    current = "a";
    fillGrid(grid, value.sheet, pick);
  } else if (news?.result && same(news.asked, value.asked)) {
    ({ terms, result } = news);
  } else return;  // what we have reported ourselves
  report();
  draw();
}

// What the server has to know, and none of its own files: those may be gone there by now.
function report() {
  props.value = { asked: value.asked, terms };
}

function draw() {
  mark(grid, (place) => TERMS.map(([name]) => (terms[name].includes(place) ? name : "")).join(""));
  for (const button of find(".terms").children) {
    const chosen = button.dataset.term === current;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
  const parts = TERMS.flatMap(([name, sign], place) => [
    sign && make("span", "sign", sign), part(name, result, place),
  ]);
  find(".equation").replaceChildren(...parts.filter(Boolean), make("span", "sign", "="), part("result", result, 3));
}

function part(name, sheet, place) {
  const figure = make("figure", name);
  const canvas = make("canvas", "");
  canvas.setAttribute("role", "img");
  canvas.ariaLabel = name === "result" ? "The result" : `The mean of ${name}`;
  const picked = terms[name] ?? [];
  if (sheet) paint(canvas, sheet, place);
  else if (picked.length) paint(canvas, value.sheet, picked[0]);
  const words = name === "result" ? "a − b + c" : sheet ? `mean of ${picked.length}` : `${picked.length} of up to ${value.most}`;
  const caption = make("figcaption", "");
  caption.append(make("b", "", name === "result" ? "" : `${name} `), words);
  figure.append(canvas, caption);
  return figure;
}

function pick(place) {
  const picked = terms[current];
  const kept = picked.includes(place) ? picked.filter((one) => one !== place) : [...picked, place].slice(-value.most);
  terms = { ...terms, [current]: kept };
  result = null;
  report();
  draw();
}

function choose(name) {
  current = name;
  draw();
  find(`[data-term="${name}"]`).focus();
}

find(".terms").append(...TERMS.map(([name, sign]) => {
  const button = make("button", "", `${sign} ${name}`.trim());
  button.type = "button";
  button.dataset.term = name;
  button.setAttribute("role", "radio");
  button.addEventListener("click", () => choose(name));
  return button;
}));
find(".terms").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: 2, ArrowUp: 2 }[event.key];
  if (!step) return;
  const names = TERMS.map(([name]) => name);
  choose(names[(names.indexOf(current) + step) % 3]);
  event.preventDefault();
});
watch("value", show);
show();
