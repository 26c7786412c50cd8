// What pages cannot do by themselves: keys, the slider, printing, and keeping what was typed.
"use strict";

const DRAFT = "wattledger-draft-";

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !typing) {
    event.preventDefault();
    document.getElementById("search")?.focus();
  }
  if (event.key === "Escape" && typing) event.target.blur();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// The slider: each place is [position, day]; the last place is now.
const time = document.getElementById("time");
if (time) {
  const moments = JSON.parse(time.dataset.moments);
  const output = time.parentElement.querySelector("output");
  time.addEventListener("input", () => {
    output.textContent = moments[time.value] ? moments[time.value][1] : "now";
  });
  time.addEventListener("change", () => {
    const page = new URL(window.location.href);
    const moment = moments[time.value];
    page.searchParams.delete("recorded");
    if (moment) page.searchParams.set("known_at", moment[0]);
    else page.searchParams.delete("known_at");
    window.location.assign(page);
  });
}

// Only in this browser tab's session, so that the next person at this desk does not see it.
const form = document.querySelector("form[data-draft]");
if (form) {
  const key = DRAFT + form.dataset.draft;
  const fields = [...form.elements].filter((one) => one.name && one.type !== "hidden");
  const kept = JSON.parse(sessionStorage.getItem(key) || "null");
  if (kept && fields.every((one) => !one.value || one.type === "checkbox")) {
    for (const one of fields) if (one.type !== "checkbox" && kept[one.name]) one.value = kept[one.name];
  }
  form.addEventListener("input", () => {
    const typed = Object.fromEntries(fields.map((one) => [one.name, one.value]));
    sessionStorage.setItem(key, JSON.stringify(typed));
  });
}
if (document.querySelector(".done")) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFT)) sessionStorage.removeItem(key);
}
