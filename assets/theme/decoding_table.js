// The table of demos/translation.py: one translation a row, from JSON. What a model says reaches the page through
// textContent alone.
const cell = (tag, words, name = "") => Object.assign(document.createElement(tag), { textContent: words, className: name });

function show() {
  const { columns, rows } = props.value ? JSON.parse(props.value) : { columns: [], rows: [] };
  const table = element.querySelector("table");
  const head = document.createElement("tr");
  head.append(...columns.map((title) => cell("th", title)));
  const body = rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map((words, place) => {
      const written = cell("td", words);
      written.dataset.title = columns[place];
      return written;
    }));
    return row;
  });
  table.replaceChildren(head, ...body);
}
watch("value", show);
show();
