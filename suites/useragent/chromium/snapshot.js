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
  // A box is often painted by its label, itself being transparent or clipped.
  const shown = (el) => visible(el) ||
    (["checkbox", "radio"].includes(el.type) && [...(el.labels ?? [])].some(visible));

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
    if (["INPUT", "TEXTAREA", "SELECT"].includes(el.tagName)) return el.title;
    return (el.innerText ?? "").trim() || el.title || el.querySelector?.("img[alt]")?.alt || "";
  };

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
  const formNumber = (el) => {
    const f = el.form ?? el.closest?.("form");
    if (!f) return -1;
    if (!forms.includes(f)) forms.push(f);
    return forms.indexOf(f);
  };
  const checks = (el) => el.willValidate && !el.form?.noValidate && !el.validity.valid;
  return {
    url: cut(location.href, MAX_TEXT), title: cut(document.title, MAX_LABEL),
    lang: cut(document.documentElement.lang, MAX_LABEL), ready: document.readyState, mark: mine.mark,
    text: cut(texts.join("\n"), MAX_TEXT), alert: cut(alerts.join(" · "), MAX_LABEL),
    scripts, frames, queries: found,
    elements: elements.map(({ el, kind }) => ({
      kind, type: cut(el.type ?? "", 40), id: cut(el.id, MAX_LABEL), name: cut(el.getAttribute("name"), MAX_LABEL),
      label: cut(label(el), MAX_LABEL), placeholder: cut(el.placeholder, MAX_LABEL),
      autocomplete: cut(el.getAttribute("autocomplete"), MAX_LABEL).toLowerCase(),
      capitals: cut(el.getAttribute("autocapitalize"), MAX_LABEL).toLowerCase(),
      value: ["text", "hidden", "button"].includes(kind) ? cut(el.value, MAX_TEXT) : "",
      maxlength: Math.max(0, Number(el.maxLength) || 0), form: formNumber(el),
      checked: !!el.checked, required: !!el.required, visible: shown(el),
      enabled: !el.matches(":disabled") && el.getAttribute("aria-disabled") !== "true",
      focused: el.hasAttribute("autofocus"), invalid: !!checks(el),
      popup: el.hasAttribute("aria-haspopup") || (el.dataset?.toggle ?? el.dataset?.bsToggle) === "dropdown",
      scripted: el.hasAttribute("onclick") || !!el.form?.hasAttribute("onsubmit"),
    })),
  };
}
