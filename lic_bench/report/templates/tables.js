// Tables: sorted by the buttons in their heads (up, down, as they came), filtered by words.
"use strict";
(() => {
  const MANY = 6; // rows; longer tables get a filter

  const textOf = (cell) => {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll("sup").forEach((mark) => mark.remove());
    return copy.textContent.replace(/\u2212/g, "-").trim();
  };
  const valueOf = (cell) => {
    const text = cell.dataset.value ?? textOf(cell);
    const number = Number(text.replace(/,/g, ""));
    return text === "" || text === "-" ? null : Number.isNaN(number) ? text : number;
  };
  const order = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };

  function sortable(table) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      if (!button.textContent.trim()) button.setAttribute("aria-label", `Column ${column + 1}`);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
        const direction = next === undefined ? "ascending" : next;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        let rows = original;
        if (direction) {
          head.setAttribute("aria-sort", direction);
          const sign = direction === "ascending" ? 1 : -1;
          const keyed = original.map((row) => [valueOf(row.cells[column]), row]);
          keyed.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : sign * order(a, b)));
          rows = keyed.map(([, row]) => row);
        }
        body.append(...rows);
      });
    });
  }

  function filterable(figure, table) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length <= MANY) return;
    const label = document.createElement("label");
    label.className = "filter";
    label.innerHTML = 'Filter <input type="search" placeholder="words, all of which a row must have"><output aria-live="polite"></output>';
    const [input, count] = [label.querySelector("input"), label.querySelector("output")];
    input.setAttribute("aria-label", `Filter the rows of ${figure.querySelector("figcaption b").textContent}`);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
      count.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
    });
    figure.querySelector(".scroll").before(label);
  }

  for (const figure of document.querySelectorAll("figure.table")) {
    const table = figure.querySelector("table");
    filterable(figure, table);
    sortable(table);
  }
})();
