
"use strict";
// Claims by verdict and document, sorted; what is chosen is behind the # of the address.
(() => {
  const body = document.querySelector("#all tbody");
  const rows = [...body.rows];
  const selects = { verdict: document.querySelector("#by-verdict"), document: document.querySelector("#by-document") };
  const order = [...selects.verdict.options].map((option) => option.value);
  const keys = {
    id: (row) => rows.indexOf(row),
    verdict: (row) => order.indexOf(row.dataset.verdict),
    claim: (row) => row.cells[2].textContent,
  };
  let sort = "id";

  const show = () => {
    let count = 0;
    for (const row of rows) {
      row.hidden = Object.entries(selects).some(([name, select]) => select.value && row.dataset[name] !== select.value);
      count += !row.hidden;
    }
    const key = keys[sort];
    const sorted = [...rows].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : rows.indexOf(a) - rows.indexOf(b)));
    body.append(...sorted);
    document.querySelector("#shown").textContent = `${count} of ${rows.length} claims`;
    for (const button of document.querySelectorAll("[data-sort]")) {
      button.closest("th").setAttribute("aria-sort", button.dataset.sort === sort ? "ascending" : "none");
    }
  };
  const read = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    if (!["verdict", "document", "sort"].some((name) => state.has(name))) return;
    for (const [name, select] of Object.entries(selects)) select.value = state.get(name) ?? "";
    sort = Object.hasOwn(keys, state.get("sort")) ? state.get("sort") : "id";
    show();
  };
  const write = () => {
    const state = new URLSearchParams({ verdict: selects.verdict.value, document: selects.document.value, sort });
    history.replaceState(null, "", `#${state}`);
    show();
  };
  for (const select of Object.values(selects)) select.addEventListener("change", write);
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => { sort = button.dataset.sort; write(); });
  }
  addEventListener("hashchange", read);
  show();
  read();
})();
