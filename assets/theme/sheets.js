// Pictures cut out of a sheet (demos/sheets.py). Shared by the views of samples, each of which gets its own copy.
const find = (selector) => element.querySelector(selector);
const make = (tag, name, words = "") => Object.assign(document.createElement(tag), { className: name, textContent: words });
const room = () => element.closest(".page") ?? element;
const plainly = () => room().classList.contains("plain-pictures");
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const sheets = new Map();  // address -> promise of its image

function fetched(url) {
  if (!sheets.has(url)) {
    if (sheets.size > 8) sheets.clear();
    const image = new Image();
    image.src = url;
    sheets.set(url, image.decode().then(() => image, () => null));  // deleted on the server, say: the place stays empty
  }
  return sheets.get(url);
}

// The canvas remembers what it shows: only the last of several paints that wait for their sheet counts.
async function paint(canvas, sheet, place) {
  const kind = plainly() ? "plain" : "smooth";
  const asked = (canvas.asked = `${sheet[kind].url} ${place}`);
  canvas.repaint = () => paint(canvas, sheet, place);
  const image = await fetched(sheet[kind].url);
  if (!image || canvas.asked !== asked) return;
  const side = sheet[`${kind}_side`];
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const [row, column] = [Math.floor(place / sheet.columns), place % sheet.columns];
  canvas.getContext("2d").drawImage(image, column * side, row * side, side, side, 0, 0, side, side);
}

function clear(canvas) {
  canvas.asked = canvas.repaint = null;
  canvas.width = canvas.width;  // as the standard has it, this wipes it
}

function repaintAll() {
  for (const canvas of element.querySelectorAll("canvas")) canvas.repaint?.();
}

new MutationObserver(repaintAll).observe(room(), { attributes: true, attributeFilter: ["class"] });

// One button for each picture of the sheet; `chosen(place)` is called for the one that is pressed. Arrow keys move.
function fillGrid(grid, sheet, chosen) {
  grid.style.setProperty("--columns", sheet.columns);
  grid.style.setProperty("--rows", Math.ceil(sheet.count / sheet.columns));
  grid.replaceChildren(...Array.from({ length: sheet.count }, (_, place) => {
    const cell = make("button", "sample");
    cell.type = "button";
    cell.dataset.place = place;
    cell.tabIndex = place ? -1 : 0;
    cell.append(make("canvas", ""), make("span", "sample-mark"));
    paint(cell.firstChild, sheet, place);
    cell.addEventListener("click", () => chosen(place));
    return cell;
  }));
  grid.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: sheet.columns, ArrowUp: -sheet.columns }[event.key];
    const next = step && grid.children[Number(event.target.dataset.place) + step];
    if (!next) return;
    for (const cell of grid.children) cell.tabIndex = cell === next ? 0 : -1;
    next.focus();
    event.preventDefault();
  };
}

function mark(grid, markOf) {
  for (const cell of grid.children) {
    const words = markOf(Number(cell.dataset.place));
    cell.querySelector(".sample-mark").textContent = words;
    cell.classList.toggle("picked", Boolean(words));
    cell.setAttribute("aria-pressed", Boolean(words));
    cell.ariaLabel = `Sample ${Number(cell.dataset.place) + 1}${words ? `, picked as ${words}` : ""}`;
  }
}
