// Filters the checks; without this script all of them show. Nothing here takes
// a text of the page for anything but text.
'use strict';
const form = document.getElementById('filter');
const checks = [...document.querySelectorAll('details.check')];
form.hidden = false;
function filter() {
  const want = Object.fromEntries(new FormData(form));
  const text = want.text.trim().toLowerCase();
  let shown = 0;
  for (const check of checks) {
    const fits = (!want.verdict || check.dataset.verdict === want.verdict)
      && (!want.level || check.dataset.level === want.level)
      && (!text || check.textContent.toLowerCase().includes(text));
    check.hidden = !fits;
    if (fits) shown++;
  }
  for (const section of document.querySelectorAll('section.checks')) {
    section.hidden = !section.querySelector('details.check:not([hidden])');
  }
  form.querySelector('output').textContent = shown + ' of ' + checks.length + ' checks';
}
function openAll(open) {
  for (const check of checks) if (!check.hidden) check.open = open;
}
form.addEventListener('input', filter);
form.addEventListener('submit', (event) => event.preventDefault());
document.getElementById('open-all').addEventListener('click', () => openAll(true));
document.getElementById('close-all').addEventListener('click', () => openAll(false));
// A link to something inside closed details opens them, in every browser.
function reveal() {
  let node = document.getElementById(location.hash.slice(1));
  if (!node) return;
  const target = node;
  for (; node; node = node.parentElement) if (node.tagName === 'DETAILS') { node.open = true; node.hidden = false; }
  target.scrollIntoView();
}
addEventListener('hashchange', reveal);
filter();
reveal();
