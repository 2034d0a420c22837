// A table of pictures with labels (demos/text_drawing_view.py): rows and columns keep their places while pictures come in.
const table = element.querySelector("table");
const make = (tag, words = "") => Object.assign(document.createElement(tag), { textContent: words });

function show() {
  const value = props.value;
  if (!value?.across) return;
  const head = make("tr");
  head.append(make("td"), ...value.across.map((words) => Object.assign(make("th", words), { scope: "col" })));
  const rows = value.down.map((words, row) => {
    const line = make("tr");
    line.append(Object.assign(make("th", words), { scope: "row" }));
    value.across.forEach((across, column) => {
      const cell = make("td");
      const picture = value.pictures[row * value.across.length + column];
      cell.append(picture ? Object.assign(make("img"), { src: picture, alt: [words, across].filter(Boolean).join(", ") }) : make("i"));
      line.append(cell);
    });
    return line;
  });
  table.replaceChildren(make("caption", value.caption), head, ...rows);
}

watch("value", show);
show();
