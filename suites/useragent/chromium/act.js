// One act on an element of the last snapshot. It answers {gone: true} when the
// snapshot is no longer that of the page.
(mark, number, what, text) => {
  const mine = window[Symbol.for("devicegrant")];
  const el = mine?.mark === mark ? mine.elements[number] : undefined;
  if (!el?.isConnected) return { gone: true };
  const view = el.ownerDocument.defaultView;
  const value = () => String(el.value ?? el.innerText?.trim() ?? "");
  switch (what) {
    case "focus": // and select, so that what is typed replaces the old value
      el.scrollIntoView({ block: "center", inline: "center" });
      el.focus();
      if (el.select) el.select(); else view.getSelection().selectAllChildren(el);
      return { value: value() };
    case "value":
      return { value: value() };
    case "set": {
      // The native setter: frameworks watch the property of the instance.
      const proto = el.tagName === "TEXTAREA" ? view.HTMLTextAreaElement : view.HTMLInputElement;
      const setter = Object.getOwnPropertyDescriptor(proto.prototype, "value")?.set;
      if (setter && el instanceof proto) setter.call(el, text);
      else if (el.isContentEditable) el.textContent = text;
      else el.value = text;
      el.dispatchEvent(new view.InputEvent("input", { bubbles: true, composed: true, data: text, inputType: "insertText" }));
      el.dispatchEvent(new view.Event("change", { bubbles: true }));
      return { value: value() };
    }
    case "typed":
      el.dispatchEvent(new view.Event("change", { bubbles: true }));
      return {};
    case "checked":
      return { checked: !!el.checked };
    case "point": {
      // Where a mouse would hit it, in the coordinates of the top document.
      el.scrollIntoView({ block: "center", inline: "center" });
      for (const t of [el, el.form]) {
        // A new window would be out of sight: stay in this one.
        if (t?.target && t.target !== "_self") t.target = "_self";
      }
      const { hit, x, y, cover } = mine.probe(el);
      const name = cover && (cover.getAttribute("aria-label") || cover.innerText?.trim() || cover.id || cover.className || cover.tagName.toLowerCase());
      return { x: x ?? 0, y: y ?? 0, hit, cover: String(name ?? "").slice(0, 80) };
    }
    case "click":
      // Later, so that this call returns before a dialog or a new page.
      setTimeout(() => el.click(), 0);
      return {};
    case "enter":
      el.focus();
      setTimeout(() => {
        const press = (type) => el.dispatchEvent(new view.KeyboardEvent(type, { key: "Enter", code: "Enter", keyCode: 13, bubbles: true, cancelable: true, composed: true }));
        if (press("keydown")) el.form?.requestSubmit();
        press("keyup");
      }, 0);
      return {};
  }
}
