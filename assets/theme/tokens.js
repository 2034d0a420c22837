// What the views of tokens share. What a model says is untrusted: it reaches the page through textContent alone.
const make = (tag, name, words = "") => Object.assign(document.createElement(tag), { className: name, textContent: words });
const bytes = (raw) => Uint8Array.from(raw, (character) => character.charCodeAt(0));
const percent = (p) => (p >= 0.0995 ? `${Math.round(100 * p)}%` : p >= 0.001 ? `${(100 * p).toFixed(1)}%` : "<0.1%");

const LEVELS = [[0.5, "50% and more"], [0.2, "20 to 50%"], [0.05, "5 to 20%"], [0.01, "1 to 5%"], [0, "below 1%"]];
const level = (p) => LEVELS.findIndex(([from]) => p >= from);

function readable(raw) {
  let words;
  try { words = new TextDecoder("utf-8", { fatal: true }).decode(bytes(raw)); } catch {
    return `part of a character (${[...bytes(raw)].map((b) => b.toString(16).toUpperCase().padStart(2, "0")).join(" ")})`;
  }
  words = words.replaceAll("\n", "↵").replaceAll(" ", "␣") || "(end of the text)";
  return words.replace("▇▇▇", "▇▇▇ (filtered by the host)");
}

// Its spaces in grey, the letters after them.
function named(raw) {
  const word = make("span", "word");
  const [, space, letters] = readable(raw).match(/^(␣*)([^]*)$/);
  word.append(make("span", "space", space), letters);
  return word;
}
