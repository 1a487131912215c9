"use strict";
// Filters of the case list, answers on case pages, an enlarged view of images, printing. Nothing is fetched.

const SIGNS = {
  r: ["✓", "right", "right"], w: ["✗", "wrong", "wrong"], p: ["◐", "partly right", "partly"],
  f: ["∅", "no usable answer", "failed"], m: ["?", "missing", "missing"], s: ["–", "not asked", "skipped"],
};
const BY_OUTCOME = Object.fromEntries(Object.values(SIGNS).map(([sign, words, kind]) => [kind, [sign, words]]));

// Texts of models and cases only ever become text nodes, never markup.
function el(name, fields = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined || value === false) continue;
    if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return made;
}

// A long name may break after a comma.
function breakable(name) {
  return name.split(/(?<=,)/).flatMap((piece, i) => (i ? [el("wbr"), piece] : [piece]));
}

function filters() {
  const form = document.getElementById("filters");
  if (!form) return;
  const table = document.getElementById("cases");
  const models = Number(table.dataset.models);
  const rows = [...table.tBodies[0].rows].map((row) => ({
    row,
    data: row.dataset,
    text: `${row.textContent} ${row.dataset.also}`.toLowerCase(),
    types: row.dataset.types.split(" "),
    cell: row.querySelector(".outcome"),
    link: row.querySelector("a").getAttribute("href"),
  }));
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");

  // what stands in the outcome column: one model's mark with the way to its answer, or how many models have which
  function draw(want, question, letters, { cell, link }) {
    if (want.model) {
      const [sign, words, kind] = SIGNS[letters];
      const place = question.dataset.place;
      cell.replaceChildren(
        el("a", { class: `mark ${kind}`, href: `${link}#v-${want.model}-${place}` }, `${sign} ${words}`)
      );
      return;
    }
    const parts = Object.entries(SIGNS).map(([letter, [sign, words, kind]]) => {
      const count = letters.split(letter).length - 1;
      if (!count) return null;
      return el("span", { class: `mark ${kind}`, title: words }, `${sign}\u00a0${count}`, el("span", { class: "sr" }, ` ${words} `));
    });
    cell.replaceChildren(...parts.filter(Boolean));
  }

  function apply() {
    const want = Object.fromEntries(new FormData(form));
    const text = want.text.trim().toLowerCase();
    const question = form.elements.question?.selectedOptions[0];
    const first = Number(want.question || 0) * models;
    const state = `${want.question} ${want.model}`;
    let count = 0;
    for (const one of rows) {
      const { row, data } = one;
      let letters = data.outcomes.slice(first, first + models);
      if (want.model) letters = letters[Number(want.model)];
      const fits =
        (!want.language || data.language === want.language) &&
        (!want.specialty || data.specialty === want.specialty) &&
        (!want.type || one.types.includes(want.type)) &&
        (!want.outcome || letters.includes(want.outcome)) &&
        (!text || one.text.includes(text));
      if (row.hidden === fits) row.hidden = !fits;
      count += fits;
      if (question && fits && one.drawn !== state) {
        draw(want, question, letters, one); // rows that are hidden are drawn when they are shown
        one.drawn = state;
      }
    }
    if (question) {
      const title = question.parentElement.label.toLowerCase();
      const model = want.model ? `, ${form.elements.model.selectedOptions[0].textContent}` : "";
      document.getElementById("asked").textContent = `${title} under “${question.textContent}”${model}`;
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

// ---- answers of a case page: laid out when a reader unfolds them ----

function answers() {
  const source = document.getElementById("answers-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const conditions = new Map(data.conditions.map(([place, name, out]) => [String(place), { name: name.replaceAll("+", " + "), out }]));
  const models = new Map(Object.entries(data.models).map(([place, name]) => [place, { name, out: 0 }]));
  const views = new Map(); // "model-condition" -> its cards
  for (const card of data.cards) {
    const key = `${card[0]}-${card[1]}`;
    if (!views.has(key)) views.set(key, []);
    views.get(key).push(card);
  }
  const place = document.getElementById("views");
  const FEW = 3; // so many models are unfolded from the start

  function mark(outcome, words) {
    const [sign, plain] = BY_OUTCOME[outcome];
    return el("span", { class: `mark ${outcome}` }, el("span", { "aria-hidden": "true" }, sign), ` ${words ?? plain}`);
  }

  // a fold whose content is made when it is first opened
  function fold(fields, summary, fill) {
    const made = el("details", fields, el("summary", {}, summary));
    const once = () => {
      if (made.dataset.filled) return;
      made.dataset.filled = "yes";
      made.append(...[fill()].flat());
    };
    made.firstChild.addEventListener("click", once); // before it opens, so that it never opens empty
    made.addEventListener("toggle", () => made.open && once());
    made.fill = once;
    if (made.open) once();
    return made;
  }

  function signs(keys) {
    return data.tasks.map((task, number) => {
      const outcomes = keys.flatMap((key) => views.get(key)).filter((card) => card[2] === number).map((card) => card[3]);
      if (!outcomes.length) return null;
      const right = outcomes.filter((outcome) => outcome === "right").length;
      const row = outcomes.map((outcome) => el("span", { class: `mark ${outcome}` }, BY_OUTCOME[outcome][0]));
      return el("span", { class: "signs" }, `${task} `, el("span", { "aria-hidden": "true" }, row),
        el("span", { class: "sr" }, `: right in ${right} of ${outcomes.length}; `));
    });
  }

  function options(card) {
    const { chosen, posterior } = card[5];
    if (!chosen && !posterior) return null;
    const several = card[5].answers.length > 1;
    return el("ul", { class: "options" }, data.options.map(([text, right], i) => {
      const line = el("li", { class: `${right ? "is-right" : ""} ${chosen?.[i] ? "is-chosen" : ""}` },
        el("span", { class: "label", lang: data.language }, text));
      if (right) line.append(" ", el("span", { class: "flag right" }, "✓ right"));
      if (chosen?.[i]) line.append(" ", el("span", { class: "flag chosen" }, several ? `chosen ${chosen[i]}×` : "chosen"));
      if (posterior) {
        const bar = el("span", { class: "bar" }, el("b", {}, `${Math.round(100 * posterior[i])} %`));
        bar.style.setProperty("--p", `${100 * posterior[i]}%`);
        line.append(bar);
      }
      return line;
    }));
  }

  function posteriorNote({ how, mass, low, "no posterior": none }) {
    if (none) return el("p", { class: "reason" }, `No posterior: ${none}`);
    if (how === undefined) return null;
    const words = how === "exact" ? "exact" : `from ${how} log-probabilities`;
    return el("p", { class: "reason" }, `Posterior: ${words}, option mass ${mass.toFixed(2)}${low ? `, ${low}` : ""}`);
  }

  function grade({ judge, score, of, reason, missing, items }) {
    const value = score === undefined ? el("b", {}, "–") : el("b", {}, String(score), of ? el("small", {}, `/${of}`) : "");
    const why = reason ?? missing;
    const line = el("p", { class: "grade" }, value, ` ${judge}${why ? ": " : ""}`, why ?? "");
    if (!items) return line;
    const list = items.map((one) =>
      el("li", {}, el("b", {}, `${one.item} ${one.value ?? "–"}`), ` ${one.reason ?? one.missing ?? ""}`));
    return [line, el("ul", { class: "checklist" }, list)];
  }

  function pre(title, text) {
    return text === undefined ? [] : [el("h6", {}, title), el("pre", {}, text)];
  }

  function answer(one) {
    const made = [];
    if (one.list) {
      const hits = new Set((one.grades ?? []).map((verdict) => verdict.rank));
      made.push(el("ol", { class: "diagnoses", lang: data.language }, one.list.map((name, i) =>
        hits.has(i + 1) ? el("li", { class: "hit" }, name, " ", el("span", { class: "flag right" }, "✓")) : el("li", {}, name))));
    }
    if (one.answer) made.push(el("p", { class: "prose", lang: data.language }, one.answer));
    made.push(...(one.grades ?? []).flatMap(grade));
    if (one.status) made.push(el("p", { class: "reason" }, one.status + (one.reason ? `: ${one.reason}` : "")));
    const which = one.which ? ` (${one.which})` : "";
    if (one.reasoning) made.push(fold({ class: "raw" }, `Reasoning${which}`, () => el("pre", {}, one.reasoning)));
    if (one.text) {
      made.push(fold({ class: "raw" }, `Raw answer${which}`, () => {
        const letters = (one.order ?? []).map((i, n) => `${String.fromCharCode(65 + n)}. ${data.options[i][0]}`);
        return [...pre("Options as they were shown", letters.length ? letters.join("\n") : undefined),
          ...(letters.length ? pre("Answer", one.text) : [el("pre", {}, one.text)])];
      }));
    }
    return made;
  }

  function task(card) {
    const [, , number, outcome, headline, more] = card;
    const failed = outcome === "missing" || outcome === "failed" || outcome === "skipped";
    return el("div", { class: "task" },
      el("h5", {}, `${data.tasks[number]} `, mark(outcome, headline)),
      more.skipped ? el("p", { class: "reason" }, more.skipped) : null,
      failed ? null : options(card),
      failed ? null : posteriorNote(more),
      (more.answers ?? []).flatMap(answer));
  }

  function view(key, title) {
    return el("article", { class: "card", id: `v-${key}`, tabindex: "-1" }, el("h4", {}, breakable(title)), views.get(key).map(task));
  }

  function grid(pairs) {
    return el("div", { class: "cards" }, pairs.map(([key, title]) => view(key, title)));
  }

  // `outer` has a section for each of its members, in which a card for each member of `inner` stands
  function lay(outer, inner, key, open) {
    const asked = (a) => [...inner].map(([b, { name, out }]) => [key(a, b), name, out]).filter(([one]) => views.has(one));
    const section = ([a, { name }], heading) => {
      const found = asked(a);
      if (!found.length) return null;
      const whole = found.filter(([, , out]) => !out);
      const strip = el("span", { class: "strip" }, signs((whole.length ? whole : found).map(([one]) => one)));
      return fold({ class: "model", open, "data-name": a }, [el(heading, {}, breakable(name)), " ", strip], () => [
        grid(whole),
        ...rest(found, 1, "One evidence type left out", grid),
        ...rest(found, 2, "Several evidence types left out", (some) =>
          some.map(([one, title]) => fold({ class: "one", "data-key": one }, [title, " ", el("span", { class: "strip" }, signs([one]))], () => view(one, title)))),
      ]);
    };
    const rest = (found, least, title, make) => {
      const some = found.filter(([, , out]) => (least === 1 ? out === 1 : out > 1));
      return some.length ? [fold({ class: "left-out" }, `${title} (${some.length} views)`, () => make(some))] : [];
    };
    const group = (test, title) => {
      const some = [...outer].filter(([, { out }]) => test(out));
      if (!some.length) return [];
      if (!title) return some.map((one) => section(one, "h3"));
      return [fold({ class: "left-out" }, `${title} (${some.length} conditions)`, () => some.map((one) => section(one, "h4")).filter(Boolean))];
    };
    return [
      ...group((out) => !out),
      ...group((out) => out === 1, "One evidence type left out"),
      ...group((out) => out > 1, "Several evidence types left out"),
    ].filter(Boolean);
  }

  let by = models.size > 1 && conditions.size === 1 ? "condition" : "model";
  const body = el("div");
  function show() {
    const made =
      by === "model"
        ? lay(models, conditions, (model, condition) => `${model}-${condition}`, models.size <= FEW)
        : lay(conditions, models, (condition, model) => `${model}-${condition}`, conditions.size === 1);
    body.replaceChildren(...made);
  }

  if (models.size > 1 && conditions.size > 1) {
    const choice = (value, words) =>
      el("label", {}, el("input", { type: "radio", name: "by", value, checked: value === by }), ` ${words}`);
    const form = el("fieldset", { class: "by" }, el("legend", {}, "Side by side"),
      choice("model", "the conditions of each model"), choice("condition", "the models under each condition"));
    form.addEventListener("change", (event) => {
      by = event.target.value;
      show();
    });
    place.append(form);
  }
  show();
  place.append(body);

  // an address such as #v-2-0 leads to what model 2 said under condition 0
  function lead() {
    const [, key, model, condition] = /^#v-((\d+)-(\d+))$/.exec(location.hash) ?? [];
    const name = `details[data-name="${by === "model" ? model : condition}"]`;
    const card = () => document.getElementById(`v-${key}`);
    if (!views.has(key)) return;
    const unfold = (within, found) => {
      for (const one of within.querySelectorAll("details.left-out")) if (!found()) one.fill();
    };
    unfold(body, () => body.querySelector(name));
    const section = body.querySelector(name);
    section.fill();
    unfold(section, card);
    section.querySelector(`details[data-key="${key}"]`)?.fill();
    for (let up = card().parentElement; up !== body; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    card().scrollIntoView({ block: "start" });
    card().focus({ preventScroll: true });
  }
  window.addEventListener("hashchange", lead);
  lead();
}

function enlarge() {
  const links = [...document.querySelectorAll("a.zoom")];
  if (!links.length) return;
  const image = el("img", { alt: "" });
  const caption = el("p");
  const close = el("button", { type: "button" }, "Close");
  const dialog = el("dialog", { class: "viewer", "aria-label": "Image" }, close, image, caption);
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

// Left and right go to the previous and next case, wherever nothing else takes these keys.
function steps() {
  document.addEventListener("keydown", (event) => {
    if (event.target !== document.body || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const way = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
    document.querySelector(`.steps a[rel=${way}]`)?.click();
  });
}

// What stands folded in the page itself is printed; answers only where a reader has unfolded them.
function unfoldForPrint() {
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")].filter((one) => !one.closest("#views"));
    for (const one of folded) one.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
}

filters();
answers();
enlarge();
steps();
unfoldForPrint();
