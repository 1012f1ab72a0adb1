'use strict';
// A head of a sortable table becomes a button: once for rising, twice for falling. Cells without a value
// stay last.
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const numeric = head.classList.contains('number');
    const key = row => row.cells[column].dataset.key;
    const rising = (a, b) => numeric ? Number(a) - Number(b)
      : a.localeCompare(b, undefined, { numeric: true });
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const sign = head.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
      heads.forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', sign > 0 ? 'ascending' : 'descending');
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
        return sign * rising(x, y);
      });
      body.append(...rows);
    });
  });
}
// What is wider than its place says so.
const look = () => {
  for (const box of document.querySelectorAll('.scroll')) {
    box.classList.toggle('scrolls', box.scrollWidth > box.clientWidth + 1);
  }
};
addEventListener('resize', look);
document.addEventListener('toggle', look, true);
look();
// A text goes to the clipboard; where that may not be, it is marked, to be copied by hand.
for (const button of document.querySelectorAll('.copy')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = 'Marked';
    }
  });
}
