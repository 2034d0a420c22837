// The two pictures of demos/deepfakes.py. The value is JSON: the pair on screen and, once the visitor has answered, which
// side was real; before that the page does not know. Texts reach the page through textContent alone.
const part = (name) => element.querySelector(`.quiz-${name}`);
const buttons = { left: part("left"), right: part("right") };
const next = part("next");
const onPhone = matchMedia("(max-width: 640px)");
let pair = null;  // the pair on screen

// While the detector looks at this pair, no other one comes.
const busy = () => element.closest(".page")?.querySelector(".stop-button:not(:disabled)") != null;
// The server takes the first answer of a pair and ignores the rest.
const pick = (side) => { if (pair && !pair.answer && !busy()) trigger("apply", { side }); };
const goOn = () => { if (pair?.answer && !busy()) trigger("retry"); };

function show() {
  if (!props.value) return;
  const value = JSON.parse(props.value);
  const isNew = value.turn !== pair?.turn;
  const goesOn = pair !== null;
  pair = value;
  part("question").textContent = value.question;
  part("count").textContent = `pair ${value.turn}: ${value.subject}, ${value.difficulty}`;
  for (const [side, button] of Object.entries(buttons)) {
    const picture = button.querySelector("img");
    if (isNew) { picture.src = value[side]; picture.alt = `${side === "left" ? "Left" : "Right"} picture: ${value.subject}`; }
    const { answer } = value;
    const real = answer && answer.real === side;
    button.classList.toggle("real", Boolean(real));
    button.classList.toggle("generated", Boolean(answer && !real));
    button.classList.toggle("picked", answer?.picked === side);
    button.setAttribute("aria-disabled", String(Boolean(answer)));
    const yours = answer?.picked === side ? ", your pick" : "";
    button.querySelector("span").textContent = !answer ? (side === "left" ? "← This one is real" : "This one is real →")
      : real ? `✓ real${yours}` : `✗ generated${yours}`;
  }
  next.disabled = !value.answer;
  // There the pictures fill the screen: the answer scrolls to what is said about it, the next pair to its first picture.
  if (goesOn && onPhone.matches) (value.answer ? next : part("head")).scrollIntoView({ block: "start" });
}

buttons.left.addEventListener("click", () => pick("left"));
buttons.right.addEventListener("click", () => pick("right"));
next.addEventListener("click", goOn);

const onKey = (event) => {
  if (!element.isConnected) return document.removeEventListener("keydown", onKey);
  const elsewhere = event.target.closest?.("input, textarea, select, summary, [role=tab], [role=slider]");
  if (element.offsetParent === null || elsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
  const onButton = event.target.closest?.("button, a");
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    event.preventDefault();
    pick(event.key === "ArrowLeft" ? "left" : "right");
  } else if (event.key.toLowerCase() === "n" || (event.key === "Enter" && !onButton)) {
    goOn();
  }
};
document.addEventListener("keydown", onKey);

// Whoever has opened the tab with a pointer goes on with the arrow keys here, not between the tabs.
const stage = part("stage");
if (document.activeElement?.matches("[role=tab]:not(:focus-visible)")) stage.focus({ preventScroll: true });

watch("value", show);
show();
