(function () {
  "use strict";
  const at = (id) => document.getElementById(id);
  const all = (what, within) => Array.from((within || document).querySelectorAll(what));

  // The age of the list, by this computer's clock.
  const age = at("age");
  const now = new Date();
  const days = Math.round((Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) - Date.parse(age.dataset.asOf)) / 864e5);
  const stale = days > Number(age.dataset.staleAfter);
  if (days < 0) {
    age.textContent = "This computer's clock is before the date of this list. Check the date before you use it.";
  } else if (stale) {
    age.textContent = "STALE: this list is " + days + " days old. Do not use it; ask for a newer one.";
    document.title = "STALE: " + document.title;
  } else {
    age.textContent = days === 0 ? "This list is of today." : days === 1 ? "This list is of last night." : "This list is " + days + " days old.";
  }
  document.body.classList.toggle("stale", stale || days < 0);

  // What is folded opens when a link leads to it.
  all('a[href^="#"]').forEach((link) => link.addEventListener("click", () => {
    for (let part = at(link.hash.slice(1)); part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  }));

  // Paper begins with one line for each family that has a place, to be taken to a meeting.
  const sheet = document.createElement("table");
  sheet.className = "sheet";
  function line(cells, tag) {
    const row = sheet.insertRow();
    cells.forEach((text) => row.appendChild(document.createElement(tag)).textContent = text);
  }
  function fillSheet() {
    sheet.replaceChildren();
    sheet.createCaption().textContent = "At a glance: families with a place, and what was decided";
    line(["Offer", "Family", "Children, furthest stage", "Chance", "First worry", "Decision, role and day"], "th");
    all(".group details.f:not([hidden])").forEach((card) => {
      const told = all("summary > *", card).map((part) => part.innerText.replace(/\s+/g, " ").trim());
      const worry = card.querySelector("dl dd");
      line([told[1], told[0].replace("Family ", ""), told[2], told[3], worry ? worry.textContent : "", ""], "td");
    });
    if (sheet.rows.length > 1) at("list").before(sheet);
  }

  // Paper holds everything; afterwards the page is as before.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    fillSheet();
    folded = all("details:not([open])");
    folded.forEach((part) => { part.open = true; });
  });
  window.addEventListener("afterprint", () => sheet.remove());
  window.addEventListener("afterprint", () => folded.forEach((part) => { part.open = false; }));

  const find = at("find"), kind = at("kind"), band = at("band"), sort = at("sort"), fresh = at("new"), count = at("count"), open = at("open");
  const families = all(".f"), cards = all("details.f"), groups = all(".group, .folded, .why").filter((group) => group.querySelector(".f"));
  const places = all(".cards").map((box) => ({ box: box, cards: all(".f", box) }));
  const said = count.textContent;
  const wasOpen = new Map();
  // The references of a family, its children and their cases stand in its headings.
  const names = families.map((family) => all("h3, h4, .case, b", family).flatMap((line) => line.textContent.match(/[0-9a-f]{8,}/g) || []));

  function fits(family, name, sought) {
    const known = family.dataset;
    // A longer reference, as in other files of the night, finds the family too.
    return sought.every((word) => name.some((part) => part.includes(word) || word.startsWith(part))) &&
      (!kind.value || (known.k || "").split(" ").includes(kind.value)) &&
      (!band.value || known.a.split("|").includes(band.value)) &&
      (!(fresh && fresh.checked) || "n" in known);
  }

  function show() {
    const sought = find.value.toLowerCase().split(/[\s,;]+/).filter(Boolean);
    const chosen = sought.length > 0 || kind.value || band.value || (fresh && fresh.checked);
    let left = 0;
    families.forEach((family, n) => {
      const stays = fits(family, names[n], sought);
      family.hidden = !stays;
      left += stays;
    });
    groups.forEach((group) => {
      const empty = !group.querySelector(".f:not([hidden])");
      group.hidden = empty;
      if (!group.classList.contains("folded")) return;
      if (!chosen) {
        if (wasOpen.has(group)) group.open = wasOpen.get(group);
        wasOpen.delete(group);
      } else if (!empty) {
        if (!wasOpen.has(group)) wasOpen.set(group, group.open);
        group.open = true;
      }
    });
    count.textContent = !chosen ? said : left + " of " + families.length + " families shown." +
      (left ? "" : " None on this page fits what you chose: press Clear to see them all. A family without an open case is not on it, nor are some whose children turn 18.");
    count.classList.toggle("some", Boolean(chosen));
  }

  const orders = {
    s: (a, b) => (b.dataset.s || "").localeCompare(a.dataset.s || ""),
    d: (a, b) => b.dataset.d - a.dataset.d,
  };

  function order() {
    places.forEach((place) => place.box.append(...(sort.value ? place.cards.slice().sort(orders[sort.value]) : place.cards)));
  }

  function unfold(to) {
    cards.forEach((card) => { card.open = to && !card.hidden; });
    open.textContent = to ? "Close all families" : "Open all families";
  }

  find.addEventListener("input", show);
  [kind, band, fresh].forEach((field) => field && field.addEventListener("change", show));
  sort.addEventListener("change", order);
  open.addEventListener("click", () => {
    const to = !cards.some((card) => card.open && !card.hidden);
    if (to) all("#next").forEach((part) => { part.open = true; });
    unfold(to);
  });
  at("clear").addEventListener("click", () => {
    find.value = kind.value = band.value = sort.value = "";
    if (fresh) fresh.checked = false;
    show();
    order();
    find.focus();
  });
  at("tools").hidden = families.length === 0;
})();
