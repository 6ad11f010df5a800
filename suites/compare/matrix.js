// Filters the rows. Without this script all of them show.
const form = document.querySelector('form');
form.hidden = false;
function filter() {
  const want = Object.fromEntries(new FormData(form));
  let shown = 0;
  for (const row of document.querySelectorAll('#matrix tbody tr')) {
    row.hidden = Object.entries(want).some(([key, value]) => value && (
      key === 'class' && value === 'any' ? !row.dataset.class : row.dataset[key] !== value));
    if (!row.hidden) shown++;
  }
  document.querySelector('output').textContent = shown + ' rows';
}
form.addEventListener('input', filter);
filter();
