// The token view of demos/token_view.py. The value is JSON Lines: the prompt with its facts, then one line a token.
// tokens.js stands before it.
const part = (name) => element.querySelector(`.token-${name}`);
let shown = "";      // the value on screen
let head = {};       // its first line
let tokens = [];     // its other lines, with the text each one added
let decoder;
let selected = 0;

function addToken(line) {
  const [, raw, p] = line.token;
  const spelled = decoder.decode(bytes(raw), { stream: true });
  const [, before, word, after] = spelled.match(/^([^\S\n]*)([^]*?)(\s*)$/);
  const index = tokens.push({ ...line, spelled }) - 1;
  const place = make("span", `token level-${level(p)}`, word || (after ? "↵".repeat(after.length) : before ? "␣" : "·"));
  if (!word) place.classList.add("blank");
  place.setAttribute("role", "button");
  place.tabIndex = index ? -1 : 0;
  place.title = percent(p);
  place.ariaLabel = `${readable(raw)}, ${percent(p)}`;
  place.dataset.index = index;
  if (index === head.branched_at) place.classList.add("branched");
  const broken = part("text").lastChild.textContent.endsWith("\n");
  // A blank line would take room and say no more than ↵↵.
  part("text").append(before, place, !after.includes("\n") ? after : broken && !word ? "" : "\n");
}

function show() {
  const value = props.value || "";
  if (value === shown) return;
  const grows = shown && value.startsWith(shown);
  if (shown && !grows) bringIntoSight();
  const lines = (grows ? value.slice(shown.length) : value).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  shown = value;
  if (!grows) {
    head = lines.shift() ?? { prompt: "" };
    tokens = [];
    decoder = new TextDecoder();
    selected = head.branched_at ?? 0;
    part("text").replaceChildren(make("span", "prompt", head.prompt));
    part("panel").replaceChildren();
  }
  const missing = !part("panel").childNodes.length;
  lines.forEach(addToken);
  if (missing && tokens.length > selected) select(selected);
}

function bringIntoSight() {
  const { top } = part("text").getBoundingClientRect();
  if (top < 0 || top > 0.6 * innerHeight) element.scrollIntoView({ block: "start" });
}

function choose(index) {
  select(index);
  trigger("select", { index });
}

function select(index) {
  selected = index;
  for (const place of part("text").querySelectorAll(".token")) {
    const chosen = Number(place.dataset.index) === index;
    place.classList.toggle("selected", chosen);
    place.tabIndex = chosen ? 0 : -1;
  }
  const { token, alternatives } = tokens[index];
  const others = alternatives.filter(([id]) => id !== token[0]).slice(0, 9);
  const rows = [...others, token].sort((a, b) => b[2] - a[2]);
  const rest = Math.max(0, 1 - rows.reduce((sum, [, , p]) => sum + p, 0));
  const before = head.prompt + tokens.slice(0, index).map((one) => one.spelled).join("").replace(/\s+/g, " ");
  const context = before.length > 40 ? `… ${before.slice(-38).replace(/^\S*\s/, "")}` : before;
  const title = make("p", "token-question");
  title.append("After ", make("q", "", context), " the model expected");
  const list = make("ol", "alternatives");
  for (const row of rows) list.append(alternative(index, row, row === token, rows[0][2]));
  const note = make("p", "token-note", `The rest: ${percent(rest)}. Choose one to branch, or a word above to inspect it.`);
  part("panel").replaceChildren(title, list, note);
}

function alternative(index, [id, raw, p], said, largest) {
  const row = make("button", `alternative level-${level(p)}`);
  row.type = "button";
  const bar = make("span", "bar");
  bar.append(make("span", "fill"));
  bar.firstChild.style.width = `${(100 * p) / largest}%`;
  row.append(named(raw), bar, make("span", "chance", percent(p)), make("span", "action", said ? "said" : raw && "↳"));
  row.disabled = said || !raw;
  row.ariaLabel = said ? `${readable(raw)}, ${percent(p)}, said here` : `Branch from here with ${readable(raw)}, ${percent(p)}`;
  row.addEventListener("click", () => branch(index, [id, raw, p]));
  const item = make("li", "");
  item.append(row);
  return item;
}

async function branch(index, token) {
  const lines = [head, ...tokens.slice(0, index), { ...tokens[index], token }];
  const kept = lines.map(({ spelled, ...line }) => JSON.stringify(line)).join("\n") + "\n";
  await nothingRuns();
  part("text").focus({ preventScroll: true });  // the button that had it is about to go
  props.value = kept;
  trigger("submit");
}

async function nothingRuns() {
  const stop = () => element.closest(".page")?.querySelector(".question .stop-button:not([disabled])");
  stop()?.click();
  while (stop()) await new Promise((resume) => setTimeout(resume, 50));
}

function text() {
  return head.prompt + tokens.map((one) => one.spelled).join("");
}

function save(name, type, content) {
  const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(new Blob([content], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function facts() {
  return Object.entries(head).filter(([name, fact]) => name !== "prompt" && fact !== null);
}

function saveText() {
  const settings = facts().map(([name, fact]) => `${name} ${fact}`).join(", ");
  save("continuation.txt", "text/plain;charset=utf-8", `${text()}\n\n--\nAI-generated; may be wrong or offensive. ${settings}\n`);
}

function saveJson() {
  const candidate = ([id, raw, probability]) => ({ id, text: new TextDecoder().decode(bytes(raw)), probability });
  const content = {
    notice: "AI-generated; may be wrong or offensive", prompt: head.prompt, text: text(), ...Object.fromEntries(facts()),
    tokens: tokens.map((one) => ({ ...candidate(one.token), alternatives: one.alternatives.map(candidate) })),
  };
  save("continuation.json", "application/json", JSON.stringify(content, null, 1));
}

part("text").addEventListener("click", (event) => {
  const place = event.target.closest(".token");
  if (!place) return;
  choose(Number(place.dataset.index));
  part("panel").scrollIntoView({ block: "nearest" });
});
part("text").addEventListener("keydown", (event) => {
  const index = Number(event.target.dataset.index ?? selected);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) part("text").querySelector(`[data-index="${index + step}"]`)?.focus();
  else if ((event.key === "Enter" || event.key === " ") && !event.ctrlKey && !event.metaKey && tokens.length) choose(index);
  else return;
  event.preventDefault();
});
part("legend").append("Probability: ", ...LEVELS.map(([, words], rank) => make("span", `key level-${rank}`, words)));
part("files").append(make("span", "notice", "AI-generated: may be wrong or offensive."));
for (const [words, action] of [["Download text", saveText], ["JSON", saveJson]]) {
  const button = make("button", "", words);
  button.type = "button";
  button.addEventListener("click", action);
  part("files").append(button);
}
watch("value", show);
show();
