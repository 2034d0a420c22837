// The contact sheet (demos/contact_sheet.py): tiles keep their places while they come in.
const sheet = element.querySelector(".contact-sheet");

function emptyTile() {
  const tile = Object.assign(document.createElement("button"), { type: "button", disabled: true });
  tile.append(document.createElement("img"), document.createElement("span"));
  tile.addEventListener("click", () => {
    props.value = { ...props.value, chosen: tile.dataset.name };
    trigger("select");
  });
  return tile;
}

function show() {
  const { tiles = [], total = 0 } = props.value ?? {};
  while (sheet.children.length > total) sheet.lastChild.remove();
  while (sheet.children.length < total) sheet.append(emptyTile());
  [...sheet.children].forEach((place, number) => {
    const tile = tiles[number];
    const [picture, name] = place.children;
    place.disabled = !tile?.style;
    place.classList.toggle("waiting", !tile);
    if (!tile) return picture.removeAttribute("src");
    place.dataset.name = name.textContent = tile.name;
    picture.alt = "";
    picture.loading = "lazy";
    if (picture.src !== tile.picture.url) picture.src = tile.picture.url;
  });
}

watch("value", show);
show();
