// The view of demos/draft_view.py. The value is JSON Lines: the gap with its facts, then what the drafts grow by.
// What a model says is untrusted: it reaches the page through textContent alone.
const part = (name) => element.querySelector(`.draft-${name}`);
const make = (tag, name, words = "") => Object.assign(document.createElement(tag), { className: name, textContent: words });

const C_LIKE = String.raw`\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)`;
const QUOTED = String.raw`"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?`;
const C_WORDS = "auto bool break case char const continue default do double else enum extern false float for goto if inline int " +
  "long nullptr NULL return short signed sizeof static struct switch true typedef union unsigned void while";
// comment, string and keywords of each language; the rest is plain
const GRAMMAR = {
  Python: [String.raw`#[^\n]*`, String.raw`"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|${QUOTED}`,
    "and as assert async await break class continue def del elif else except False finally for from global if import in is " +
    "lambda None nonlocal not or pass raise return True try while with yield"],
  JavaScript: [C_LIKE, "`(?:\\\\.|[^`\\\\])*`?|" + QUOTED,
    "async await break case catch class const continue default delete do else export extends false finally for from function if " +
    "import in instanceof let new null of return static super switch this throw true try typeof undefined var void while yield"],
  C: [C_LIKE, QUOTED, C_WORDS],
  "C++": [C_LIKE, QUOTED, `${C_WORDS} catch class constexpr delete friend namespace new operator private protected public ` +
    "template this throw try typename using virtual"],
  HTML: ["<!--[^]*?(?:-->|$)", String.raw`"[^"\n]*"?`, ""],
  SQL: [String.raw`--[^\n]*`, QUOTED,
    "ALTER AND AS ASC BETWEEN BY CASE COUNT CREATE DELETE DESC DISTINCT DROP ELSE END EXISTS FROM GROUP HAVING IN INNER INSERT " +
    "INTO IS JOIN KEY LEFT LIKE LIMIT MAX MIN NOT NULL ON OR ORDER OUTER PRIMARY RIGHT SELECT SET SUM TABLE THEN UNION UPDATE " +
    "VALUES WHEN WHERE WITH"],
};

function grammar(language) {
  const [comment, string, words] = GRAMMAR[language] ?? GRAMMAR.Python;
  const keyword = language === "HTML" ? String.raw`<\/?[\w-]+|\/?>` : String.raw`\b(?:${words.replaceAll(" ", "|")})\b`;
  return new RegExp(`(${comment})|(${string})|(${keyword})|(\\b\\d[\\w.]*)`, language === "SQL" ? "gi" : "g");
}

// The code in spans [text, kind], one after the other.
function* spans(code, language) {
  let place = 0;
  for (const found of code.matchAll(grammar(language))) {
    if (found.index > place) yield [code.slice(place, found.index), ""];
    yield [found[0], ["comment", "string", "keyword", "number"][found.slice(1).findIndex((group) => group !== undefined)]];
    place = found.index + found[0].length;
  }
  if (place < code.length) yield [code.slice(place), ""];
}

let shown = "";     // the value on screen
let head = null;    // its first line
let drafts = [];    // text of each draft and, once it is finished, what there is to say about it
let selected = 0;

const whole = () => head.prefix + drafts[selected].text + head.suffix;

function show() {
  const value = props.value || "";
  if (value === shown) return;
  const grows = shown && value.startsWith(shown);
  const lines = (grows ? value.slice(shown.length) : value).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  shown = value;
  if (!grows) {
    head = lines.shift();
    drafts = Array.from({ length: head?.drafts ?? 0 }, () => ({ text: "", finished: null }));
    selected = 0;
  }
  if (!drafts.length) return;
  for (const line of lines) {
    const draft = drafts[line.draft];
    if (line.more) draft.text += line.more;
    if (line.finished) Object.assign(draft, { text: line.finished.text, finished: line.finished });
  }
  if (!grows) showPrompt();
  render();
}

function render() {
  showChoice();
  showCode();
  const { finished } = drafts[selected];
  const words = !finished ? "" : `${finished.likelihood} Stopped: ${finished.ended}.`;
  part("judgement").textContent = words;
  for (const button of part("actions").querySelectorAll(".needs-text")) button.disabled = !drafts[selected].text;
  part("actions").querySelector(".accept").textContent = "Accept";
}

function verdict({ finished, text }) {
  if (!finished) return text ? "writing" : "waiting";
  if (!finished.tokens) return "empty";
  const each = `${Math.round(100 * Math.exp(finished.logprob / finished.tokens))}%`;
  return `${each} · ${finished.parses === null ? "not checked" : finished.parses ? "✓ parses" : "✗ does not parse"}`;
}

function showChoice() {
  const held = part("choice").contains(document.activeElement);
  part("choice").replaceChildren(...drafts.map((draft, index) => {
    const button = make("button", "");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", index === selected);
    button.tabIndex = index === selected ? 0 : -1;
    button.append(make("b", "", `Draft ${index + 1}`), make("span", "", verdict(draft)));
    button.addEventListener("click", () => select(index));
    return button;
  }));
  if (held) part("choice").children[selected].focus();
}

function select(index) {
  selected = index;
  render();
}

function showCode() {
  const { text } = drafts[selected];
  const begin = head.prefix.length, end = begin + text.length;
  const rows = [];
  let row, place = 0;
  const open = () => {
    row = make("div", "code-row");
    row.append(make("span", "line-number", rows.length + 1), make("span", "sign"), make("code", ""));
    rows.push(row);
  };
  const add = (words, kind) => {
    const isNew = place >= begin && place < end;
    const indent = row.lastChild.textContent.trim() ? "" : words.match(/^\s*/)[0];
    if (words) row.lastChild.append(indent, make("span", `${kind} ${isNew ? "new" : ""}`.trim(), words.slice(indent.length)));
    if (isNew && words) { row.classList.add("has-new"); row.children[1].textContent = "+"; }
    place += words.length;
  };
  open();
  for (const [words, kind] of spans(whole(), head.facts.language)) {
    for (const [index, line] of words.split("\n").entries()) {
      if (index) { place += 1; open(); }
      // A span may begin before the gap and end in it.
      let rest = line;
      for (const edge of [begin, end]) {
        if (edge > place && edge < place + rest.length) {
          const cut = edge - place;
          add(rest.slice(0, cut), kind);
          rest = rest.slice(cut);
        }
      }
      add(rest, kind);
    }
  }
  const view = part("code");
  view.replaceChildren(...rows);
  const written = [...view.querySelectorAll(".has-new")];
  if (!written.length) { view.scrollTop = view.scrollHeight * (begin / Math.max(1, whole().length)); return; }
  // The growing end; at last all of what is new, from its beginning if it does not fit.
  const first = written[0].offsetTop, last = written.at(-1).offsetTop + written.at(-1).offsetHeight;
  view.scrollTop = drafts[selected].finished ? first - Math.max(8, (view.clientHeight - (last - first)) / 2) : last - view.clientHeight + 24;
}

function showPrompt() {
  part("prompt").querySelector("pre").replaceChildren(
    ...head.prompt.map(([words, control]) => (control ? make("b", "control", words) : document.createTextNode(words))));
}

function save() {
  const mark = { Python: "# ", SQL: "-- ", HTML: "<!-- " }[head.facts.language] ?? "// ";
  const finished = drafts[selected].finished;
  const facts = Object.entries({ ...head.facts, ...(finished && { seed: finished.seed }) });
  const words = `${mark}Completed by AI; read and test it before use. ${facts.map((fact) => fact.join(" ")).join(", ")}`;
  const name = "completed." + { Python: "py", JavaScript: "js", C: "c", "C++": "cpp", HTML: "html", SQL: "sql" }[head.facts.language];
  const content = `${words}${head.facts.language === "HTML" ? " -->" : ""}\n${whole()}\n`;
  const url = URL.createObjectURL(new Blob([content], { type: "text/plain;charset=utf-8" }));
  Object.assign(document.createElement("a"), { download: name, href: url }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function accept(event) {
  trigger("apply", { code: whole() });
  event.target.textContent = "Accepted ✓";
}

part("choice").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  select((selected + step + drafts.length) % drafts.length);
  event.preventDefault();
});
part("actions").append(make("span", "notice", "+ written by AI, may be wrong"));
for (const [words, name, action] of [
  ["Accept", "accept needs-text", accept], ["Regenerate", "", () => trigger("retry")], ["Download", "needs-text", save],
]) {
  const button = make("button", name, words);
  button.type = "button";
  button.addEventListener("click", action);
  part("actions").append(button);
}
// The editor takes Ctrl+Enter for a blank line of its own; here it runs, as on every tab.
element.closest(".page")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.closest(".cm-editor")) return;
  event.preventDefault();
  event.stopPropagation();
  element.closest(".page").querySelector(".run-button").click();
}, true);
watch("value", show);
show();
