// The attention heat map of demos/translation.py, from JSON: a row for each token of the translation, a column for each
// of the source. Texts reach the page through textContent alone.
const cell = (tag, words, name = "") => Object.assign(document.createElement(tag), { textContent: words, className: name });
const readable = (token) => token.trim() || "␣";

function show() {
  const { source, target, weights } = props.value ? JSON.parse(props.value) : { source: [], target: [], weights: [] };
  const head = document.createElement("tr");
  head.append(cell("td", ""), ...source.map((token) => cell("th", readable(token), "source")));
  const body = weights.map((row, place) => {
    const line = document.createElement("tr");
    line.append(cell("th", readable(target[place])), ...row.map((weight, column) => {
      const square = cell("td", "", "weight");
      square.style.setProperty("--weight", `${Math.round(100 * weight / Math.max(...row))}%`);
      square.title = `${readable(target[place])} looks at ${readable(source[column])}: ${Math.round(100 * weight)}%`;
      return square;
    }));
    return line;
  });
  element.querySelector("table").replaceChildren(head, ...body);
}
watch("value", show);
show();
