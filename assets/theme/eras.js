// The columns of demos/eras.py: one prompt, four models, each token with its own probability. The value is JSON Lines that
// grow. tokens.js stands before it.
const board = element.querySelector(".eras");
const note = element.querySelector(".eras-recorded");
let shown = "";
let columns = [];

function column([year, title, kind]) {
  const root = make("section", "era");
  const text = make("p", "era-text");
  const panel = make("div", "era-panel");
  const facts = make("div", "era-facts");
  text.setAttribute("role", "group");
  text.ariaLabel = `${title}: prompt and continuation; arrow keys move between tokens`;
  const heading = make("h4", "");
  heading.append(make("span", "era-year", year), title, make("small", "", `writes ${kind}`));
  root.append(heading, text, panel, facts);
  const one = { root, text, panel, facts, tokens: [], decoder: new TextDecoder() };
  const index = (target) => (target.classList.contains("token") ? Number(target.dataset.index) : -1);
  text.addEventListener("click", ({ target }) => index(target) >= 0 && select(one, index(target)));
  text.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step && text.querySelector(`[data-index="${index(event.target) + step}"]`);
    if (!next) return;
    next.focus();
    select(one, index(next));
    event.preventDefault();
  });
  return one;
}

function addToken(one, { token, alternatives }) {
  const [, raw, p] = token;
  const spelled = one.decoder.decode(bytes(raw), { stream: true });
  const [, before, word, after] = spelled.match(/^([^\S\n]*)([^]*?)(\s*)$/);
  const place = make("span", `token level-${level(p)}`, word || spelled.replaceAll("\n", "↵") || "·");
  place.setAttribute("role", "button");
  place.dataset.index = one.tokens.push({ token, alternatives }) - 1;
  place.tabIndex = one.tokens.length > 1 ? -1 : 0;
  place.title = percent(p);
  place.ariaLabel = `${readable(raw)}, ${percent(p)}`;
  one.text.append(word ? before : "", place, word ? after : after.includes("\n") ? "\n" : "");
}

function select(one, index) {
  for (const place of one.text.querySelectorAll(".token")) {
    const chosen = Number(place.dataset.index) === index;
    place.classList.toggle("selected", chosen);
    place.tabIndex = chosen ? 0 : -1;
  }
  const { token, alternatives } = one.tokens[index];
  const rows = [...alternatives.filter(([id]) => id !== token[0]).slice(0, 4), token].sort((a, b) => b[2] - a[2]);
  const list = make("ol", "");
  for (const row of rows) {
    const item = make("li", row === token ? "said" : "");
    const bar = make("span", "bar");
    bar.append(make("span", "fill"));
    bar.firstChild.style.width = `${100 * row[2]}%`;
    item.append(named(row[1]), bar, make("span", "chance", percent(row[2])));
    list.append(item);
  }
  one.panel.replaceChildren(list);
}

function show() {
  const value = props.value || "";
  if (value === shown) return;
  const grows = shown && value.startsWith(shown);
  const lines = (grows ? value.slice(shown.length) : value).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  shown = value;
  if (!grows) {
    const head = lines.shift() ?? { prompt: "", eras: [] };
    columns = head.eras.map(column);
    for (const one of columns) one.text.append(make("span", "prompt", head.prompt));
    board.replaceChildren(...columns.map((one) => one.root));
    note.textContent = head.recorded ? `recorded ${head.recorded}` : "";
  }
  for (const line of lines) {
    const one = columns[line.era];
    if (line.token) addToken(one, line);
    if (line.token && one.tokens.length === 1) select(one, 0);
    if (line.problem) one.facts.append(make("p", "problem", line.problem));
    for (const fact of line.facts ?? []) one.facts.append(make("p", "", fact));
  }
}
watch("value", show);
show();
