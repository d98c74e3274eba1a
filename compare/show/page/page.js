"use strict";
// The page reads without this: it adds choosing a view, hiding curves, reading one epoch, and sorting tables.

const readings = JSON.parse(document.getElementById("readings").textContent);
document.documentElement.classList.add("scripted");
const SVG = "http://www.w3.org/2000/svg";

function choose(section) {
  const chosen = [...section.querySelectorAll(".choice :is(input:checked, select)")].map(({ value }) => value).join(" ");
  for (const view of section.querySelectorAll(".view")) view.hidden = view.dataset.choice.trim() !== chosen;
  for (const link of section.querySelectorAll("a[data-view]")) link.classList.toggle("chosen", link.dataset.view === chosen);
}

function read(view, { first, last, cells }) {
  const slider = view.querySelector("input[type=range]");
  const output = view.querySelector("output");
  const rows = [...view.querySelectorAll(".reading tbody tr")];
  const charts = [...view.querySelectorAll("svg[data-axis]")].map((svg) => {
    const cross = svg.appendChild(document.createElementNS(SVG, "path"));
    cross.setAttribute("class", "cross");
    return { svg, cross, axis: svg.dataset.axis.split(" ").map(Number), ends: svg.dataset.ends.split(" ").map(Number) };
  });

  function at(x) {
    slider.value = x;
    output.textContent = x;
    rows.forEach((row, r) => cells[r].forEach((cell, c) => {
      if (!cell) return;
      const nth = Math.floor((x - first) / cell.every);
      const known = nth < cell.texts.length && !(cell.exact && (x - first) % cell.every);
      row.children[c + 1].textContent = known ? cell.texts[nth] : "–";
    }));
    for (const { cross, axis: [start, end, low, high], ends: [top, bottom] } of charts) {
      const px = start + (x - low) / (high - low) * (end - start);
      cross.setAttribute("d", `M${px.toFixed(1)},${top}V${bottom}`);
    }
  }

  for (const { svg, axis: [start, end, low, high], ends: [top, bottom] } of charts) {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const px = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      const x = Math.round(low + (px - start) / (end - start) * (high - low));
      at(Math.min(Math.max(x, first), last));
      if (!("rows" in svg.dataset)) return;
      const py = (event.clientY - box.top) / box.height * svg.viewBox.baseVal.height;
      const under = Math.floor((py - top) / (bottom - top) * rows.length);
      rows.forEach((row, nth) => row.classList.toggle("under", nth === under));
    });
  }
  slider.addEventListener("input", () => at(Number(slider.value)));
  slider.parentElement.hidden = false;
}

function sortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, nth) => {
    if (head.classList.contains("plain")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      const key = (row) => row.cells[nth].dataset.value ?? row.cells[nth].textContent;
      const number = head.classList.contains("right");
      const order = (a, b) => number ? a - b : a.localeCompare(b, "en", { numeric: true });
      const filled = [...body.rows].filter((row) => key(row) !== "");
      const empty = [...body.rows].filter((row) => key(row) === "");
      filled.sort((a, b) => sign * order(key(a), key(b)));
      body.append(...filled, ...empty);
    });
  });
}

for (const section of document.querySelectorAll("section.part[data-name]")) {
  section.querySelectorAll(".choice").forEach((choice) => { choice.hidden = false; });
  section.addEventListener("change", ({ target }) => {
    if (target.closest(".choice")) choose(section);
    if (target.type === "checkbox") {
      for (const path of section.querySelectorAll(`.charts .${target.dataset.whose}`)) {
        path.classList.toggle("off", !target.checked);
      }
    }
  });
  section.querySelectorAll(".keys input").forEach((input) => { input.hidden = false; });
  section.querySelectorAll("a[data-view]").forEach((link) => {
    link.addEventListener("click", () => {
      const option = section.querySelector(`.choice :is(option, input)[value="${link.dataset.view}"]`);
      option.selected = option.checked = true;
      choose(section);
    });
    if (link.hash === location.hash) link.click();
  });
  section.querySelectorAll(".view").forEach((view, nth) => read(view, readings[section.dataset.name][nth]));
  choose(section);
  section.querySelectorAll(".scroll table:not(.matrix)").forEach(sortable);
}

// In a notebook the frame is as high as the page: the page says so, when it is asked and whenever that changes.
if (parent !== window) {
  document.documentElement.classList.add("framed");
  const tell = () => parent.postMessage({ height: document.documentElement.offsetHeight }, "*");
  new ResizeObserver(tell).observe(document.documentElement);
  addEventListener("message", tell);
}
