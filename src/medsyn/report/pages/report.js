"use strict";
// The report reads without this script; it adds filters, an enlarged view of images, and unfolded printing.

const SIGNS = {
  r: ["✓", "right", "right"], w: ["✗", "wrong", "wrong"], p: ["◐", "partly right", "partly"],
  f: ["∅", "no usable answer", "failed"], m: ["?", "missing", "missing"], s: ["–", "not asked", "skipped"],
};

function filters() {
  const form = document.getElementById("filters");
  if (!form) return;
  const rows = [...document.querySelectorAll("#cases tbody tr")].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
    types: row.dataset.types.split(" "),
    cell: row.querySelector(".outcome"),
  }));
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");

  function apply() {
    const want = Object.fromEntries(new FormData(form));
    const model = Number(want.model || 0);
    const text = want.text.trim().toLowerCase();
    let count = 0;
    for (const { row, text: words, types, cell } of rows) {
      const outcome = row.dataset.outcomes[model];
      const fits =
        (!want.language || row.dataset.language === want.language) &&
        (!want.specialty || row.dataset.specialty === want.specialty) &&
        (!want.type || types.includes(want.type)) &&
        (!want.outcome || outcome === want.outcome) &&
        (!text || words.includes(text));
      row.hidden = !fits;
      count += fits;
      const mark = document.createElement("span");
      const [sign, name, kind] = SIGNS[outcome] || SIGNS.s;
      mark.className = `mark ${kind}`;
      mark.textContent = `${sign} ${name}`;
      cell.replaceChildren(mark);
    }
    shown.textContent = count === rows.length ? `${count} cases` : `${count} of ${rows.length} cases`;
    none.hidden = count > 0;
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  window.addEventListener("pageshow", apply); // coming back, the browser has filled the form again
  apply();
}

function enlarge() {
  const links = [...document.querySelectorAll("a.zoom")];
  if (!links.length) return;
  const dialog = document.createElement("dialog");
  dialog.className = "viewer";
  dialog.setAttribute("aria-label", "Image");
  const image = document.createElement("img");
  const caption = document.createElement("p");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  dialog.append(close, image, caption);
  document.body.append(dialog);
  let at = 0;

  function show(place) {
    at = (place + links.length) % links.length;
    image.src = links[at].href;
    image.alt = links[at].dataset.label;
    caption.textContent = `${links[at].dataset.label} (${at + 1} of ${links.length}; arrow keys for others)`;
  }

  links.forEach((link, place) =>
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // open in a new tab as usual
      event.preventDefault();
      show(place);
      dialog.showModal();
    })
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") show(at + 1);
    if (event.key === "ArrowLeft") show(at - 1);
  });
  dialog.addEventListener("close", () => links[at].focus());
}

function unfoldForPrint() {
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
}

filters();
enlarge();
unfoldForPrint();
