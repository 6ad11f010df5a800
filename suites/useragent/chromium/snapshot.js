// What a person sees of the page, as the Go type pages.Snapshot. The elements are
// kept by their numbers for the acts that follow.
(queries) => {
  if (!document.documentElement) return null; // between two documents
  const MAX_TEXT = 8000, MAX_LABEL = 400, MAX_ELEMENTS = 200;
  const key = Symbol.for("devicegrant");
  const mine = window[key] || Object.defineProperty(window, key, {
    value: { mark: String(Math.random()).slice(2) + performance.timeOrigin, elements: [] },
  })[key];

  const cut = (s, n) => String(s ?? "").slice(0, n);
  // A document that is going away has no view.
  const style = (el) => el.ownerDocument.defaultView?.getComputedStyle(el);
  const visible = (el) => {
    if (!el.getClientRects().length) return false;
    const s = style(el);
    return !!s && s.visibility === "visible" && s.opacity !== "0" && s.display !== "none";
  };

  // The parent as it is drawn, through slots and shadow roots.
  const above = (n) => n.assignedSlot ??
    (n.parentNode?.nodeType === Node.DOCUMENT_FRAGMENT_NODE ? n.parentNode.host : n.parentNode);
  const holds = (el, n) => {
    while (n && n !== el) n = above(n);
    return !!n;
  };
  const hitAt = (doc, x, y) => {
    let hit = doc.elementFromPoint(x, y);
    for (let inner; hit?.shadowRoot && (inner = hit.shadowRoot.elementFromPoint(x, y)) && inner !== hit;) hit = inner;
    return hit;
  };
  // The part of the page that a hit beside an element belongs to, if it lies over it.
  // Else the element is only scrolled out of sight within the page.
  const coverOf = (el, hit) => {
    let top = null, lies = false;
    for (let n = hit; n?.nodeType === Node.ELEMENT_NODE && !holds(n, el); n = above(n)) {
      top = n;
      lies ||= style(n)?.position !== "static";
    }
    return lies ? top : null;
  };
  const fillsView = (el, view) => {
    const fills = (r) => r.left <= 1 && r.top <= 1 && r.right >= view.innerWidth - 1 && r.bottom >= view.innerHeight - 1;
    return fills(el.getBoundingClientRect()) || [...el.querySelectorAll("*")].some((n) => style(n)?.position === "fixed" && fills(n.getBoundingClientRect()));
  };
  // Where a mouse hits an element as the page is scrolled now, in the coordinates of
  // the top document, or what it hits instead.
  const probe = (el) => {
    const view = el.ownerDocument.defaultView, r = el.getBoundingClientRect();
    const left = Math.max(r.left, 0), right = Math.min(r.right, view.innerWidth);
    const top = Math.max(r.top, 0), bottom = Math.min(r.bottom, view.innerHeight);
    if (right <= left || bottom <= top) return { hit: false, away: true };
    let cover = null;
    for (const [i, [dx, dy]] of [[.5, .5], [.2, .5], [.8, .5], [.5, .2], [.5, .8]].entries()) {
      let x = left + (right - left) * dx, y = top + (bottom - top) * dy;
      let target = el, hit = hitAt(el.ownerDocument, x, y);
      let ok = holds(el, hit) || [...(el.labels ?? [])].some((l) => holds(l, hit));
      for (let w = view; ok && w !== window && w.frameElement; w = w.parent) {
        target = w.frameElement;
        const f = target.getBoundingClientRect();
        x += f.left + target.clientLeft;
        y += f.top + target.clientTop;
        hit = hitAt(target.ownerDocument, x, y);
        ok = holds(target, hit);
      }
      if (ok) return { hit: true, x, y };
      if (i === 0) cover = coverOf(target, hit);
    }
    return { hit: false, cover };
  };
  // The same for a person, who scrolls.
  const reach = (el) => {
    const view = el.ownerDocument.defaultView;
    const now = probe(el);
    if (now.away) {
      const cover = coverOf(el, hitAt(el.ownerDocument, view.innerWidth / 2, view.innerHeight / 2));
      return { hit: false, cover: cover && fillsView(cover, view) ? cover : null };
    }
    if (now.hit || !now.cover || fillsView(now.cover, view)) return now;
    const were = [];
    for (let n = above(el); n?.nodeType === Node.ELEMENT_NODE; n = above(n)) were.push([n, n.scrollLeft, n.scrollTop]);
    el.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const then = probe(el);
    for (const [n, left, top] of were) n.scrollTo({ left, top, behavior: "instant" });
    return then.hit ? { hit: false, cover: null } : then;
  };
  mine.probe = probe;

  // A box is often painted by its label, itself being transparent or clipped. A
  // transparent field that lies over something painted takes what is typed there.
  const shown = (el) => visible(el) ||
    (["checkbox", "radio"].includes(el.type) && [...(el.labels ?? [])].some(visible)) ||
    (["text", "password"].includes(kind(el)) && el.getClientRects().length > 0 && style(el)?.opacity === "0" && overPaint(el));
  const overPaint = (el) => {
    const r = el.getBoundingClientRect();
    const meets = (b) => b.left < r.right && b.right > r.left && b.top < r.bottom && b.bottom > r.top;
    return reach(el).hit && [...(el.parentElement?.querySelectorAll("*") ?? [])].some((n) =>
      n !== el && !n.contains(el) && visible(n) && meets(n.getBoundingClientRect()));
  };

  const label = (el) => {
    const aria = el.getAttribute("aria-label");
    if (aria) return aria;
    const by = el.getAttribute("aria-labelledby");
    const named = by && el.getRootNode().getElementById?.(by.trim().split(/\s+/)[0]);
    if (named) return named.innerText;
    if (el.labels?.length) return [...el.labels].map((l) => l.innerText).join(" ");
    if (el.tagName === "INPUT" && ["submit", "button", "reset"].includes(el.type))
      return el.value || el.title || { submit: "Submit", reset: "Reset" }[el.type] || "";
    if (el.tagName === "INPUT" && el.type === "image") return el.alt || el.title;
    if (["INPUT", "TEXTAREA", "SELECT"].includes(el.tagName) || editable(el)) return el.title;
    return (el.innerText ?? "").trim() || el.title || el.querySelector?.("img[alt]")?.alt || "";
  };

  const editable = (el) => el.isContentEditable && ["", "true", "plaintext-only"].includes(el.getAttribute("contenteditable"));
  const kind = (el) => {
    switch (el.tagName) {
      case "INPUT":
        switch (el.type) {
          case "password": case "hidden": return el.type;
          case "checkbox": return "check";
          case "radio": return "radio";
          case "submit": case "button": case "reset": case "image": return "button";
          case "file": case "color": case "range": return "other";
        }
        return "text";
      case "TEXTAREA": return "text";
      case "SELECT": return "select";
      case "BUTTON": return "button";
    }
    if (editable(el)) return "text";
    if (el.getAttribute("role") === "button") return "button";
    if (el.tagName === "A" && el.hasAttribute("href")) return "link";
    return "other";
  };

  const alertClass = /(^|[^a-z])(error|errors|alert|danger|invalid|negative|warning|red|err)([^a-z]|$)/i;
  const isAlert = (el) => {
    if (el.getAttribute("role") === "alert" || el.getAttribute("aria-live") === "assertive") return true;
    if (["HTML", "BODY", "FORM", "MAIN", "LABEL", "I", "LINK", "STYLE", "SCRIPT"].includes(el.tagName) || el.namespaceURI !== "http://www.w3.org/1999/xhtml") return false;
    return alertClass.test(el.className + " " + el.id);
  };

  const elements = [], numbers = new Map(), alerts = [], forms = [], docs = [], texts = [];
  let frames = 0, scripts = false;
  const number = (el, k) => {
    if (numbers.has(el)) return numbers.get(el);
    if (elements.length >= MAX_ELEMENTS) return -1;
    numbers.set(el, elements.length);
    elements.push({ el, kind: k });
    return elements.length - 1;
  };
  const walk = (root) => {
    docs.push(root);
    for (const el of root.querySelectorAll("*")) {
      if (el.shadowRoot) {
        walk(el.shadowRoot);
        for (const child of el.shadowRoot.children) if (visible(child)) texts.push(child.innerText);
      }
      if (el.tagName === "SCRIPT") scripts = true;
      if (el.tagName === "IFRAME" || el.tagName === "FRAME") {
        let inner = null;
        try { inner = el.contentDocument; } catch { /* another site */ }
        if (!inner) { if (visible(el)) frames++; continue; }
        if (inner.body && visible(el)) { walk(inner); texts.push(inner.body.innerText); }
        continue;
      }
      const k = kind(el);
      if (k !== "other") number(el, k);
      else if (alerts.length < 5 && isAlert(el) && visible(el)) {
        const said = (el.innerText ?? "").trim();
        if (said && !alerts.some((a) => a.includes(said))) alerts.push(said);
      }
    }
  };
  texts.push(document.body?.innerText);
  walk(document);

  const found = {};
  for (const q of queries) {
    found[q] = [];
    for (const doc of docs) {
      try {
        for (const el of [...doc.querySelectorAll(q)].slice(0, MAX_ELEMENTS)) {
          const n = number(el, "other");
          if (n >= 0) found[q].push(n);
        }
      } catch { /* a selector that this browser does not know matches nothing */ }
    }
  }

  mine.elements = elements.map((e) => e.el);
  // The parts of the page that lie over others or that buttons belong to.
  const layers = [];
  const layer = (el) => {
    if (!el) return 0;
    if (!layers.includes(el)) layers.push(el);
    return layers.indexOf(el) + 1;
  };
  const fields = "input:not([type=hidden], [type=checkbox], [type=radio], [type=submit], [type=button], [type=reset], [type=image]), textarea, [contenteditable]";
  // What a layer says beside its controls.
  const prose = (el) => {
    let text = el.innerText ?? "";
    for (const c of el.querySelectorAll("button, a[href], [role=button]")) if (c.innerText) text = text.replace(c.innerText, " ");
    return text.trim();
  };
  // A button belongs to the dialog that it is in, or else to the nearest part of the
  // page that says something.
  const MIN_PROSE = 20, groups = new Map();
  const group = (el) => {
    if (!["button", "link", "check"].includes(kind(el)) || !visible(el)) return null;
    let said = null;
    for (let p = above(el); p?.nodeType === Node.ELEMENT_NODE && p !== el.ownerDocument.body; p = above(p)) {
      if (!groups.has(p)) {
        const over = p.matches("dialog, [role=dialog], [role=alertdialog], [aria-modal=true]") || ["fixed", "sticky"].includes(style(p)?.position);
        const bare = !p.querySelector(fields);
        groups.set(p, { over: over && bare, says: bare && prose(p).length >= MIN_PROSE, bare });
      }
      const g = groups.get(p);
      if (!g.bare) break;
      if (g.over) return p;
      if (g.says) said ??= p;
    }
    return said;
  };
  const under = new Map(elements.map(({ el, kind }) =>
    [el, kind === "other" || kind === "hidden" || !shown(el) ? 0 : layer(reach(el).cover)]));
  const formNumber = (el) => {
    const f = el.form ?? el.closest?.("form");
    if (!f) return -1;
    if (!forms.includes(f)) forms.push(f);
    return forms.indexOf(f);
  };
  // As wide as one character, in the large type of such boxes.
  const MAX_BOX = 80;
  const narrow = (el) => { const w = el.getBoundingClientRect().width; return w > 0 && w <= MAX_BOX; };
  const checks = (el) => el.willValidate && !el.form?.noValidate && !el.validity.valid;
  const snapshot = {
    url: cut(location.href, MAX_TEXT), title: cut(document.title, MAX_LABEL),
    lang: cut(document.documentElement.lang, MAX_LABEL), ready: document.readyState, mark: mine.mark,
    text: cut(texts.join("\n"), MAX_TEXT), alert: cut(alerts.join(" · "), MAX_LABEL),
    scripts, frames, queries: found,
    elements: elements.map(({ el, kind }) => ({
      kind, type: cut(el.type ?? "", 40), id: cut(el.id, MAX_LABEL), name: cut(el.getAttribute("name"), MAX_LABEL),
      label: cut(label(el), MAX_LABEL), placeholder: cut(el.placeholder, MAX_LABEL),
      autocomplete: cut(el.getAttribute("autocomplete"), MAX_LABEL).toLowerCase(),
      capitals: cut(el.getAttribute("autocapitalize"), MAX_LABEL).toLowerCase(),
      value: ["text", "hidden", "button"].includes(kind) ? cut(editable(el) ? el.innerText.trim() : el.value, MAX_TEXT) : "",
      maxlength: Math.max(0, Number(el.maxLength) || 0), form: formNumber(el),
      checked: !!el.checked, required: !!el.required, visible: shown(el), under: under.get(el), group: layer(group(el)), narrow: kind === "text" && narrow(el),
      enabled: !el.matches(":disabled") && el.getAttribute("aria-disabled") !== "true",
      focused: el.hasAttribute("autofocus"), invalid: !!checks(el),
      popup: el.hasAttribute("aria-haspopup") || (el.dataset?.toggle ?? el.dataset?.bsToggle) === "dropdown",
      scripted: el.hasAttribute("onclick") || !!el.form?.hasAttribute("onsubmit"),
    })),
  };
  snapshot.layers = layers.map((el) => ({
    text: cut(prose(el), MAX_TEXT), name: cut(el.getAttribute("aria-label") || el.id || el.className || el.tagName.toLowerCase(), MAX_LABEL),
  }));
  return snapshot;
}
