// Adds comfort to pages that work without it: quotes while typing, numbers under the pointer.

const money = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });

for (const form of document.querySelectorAll('form[data-quote]')) quoteWhileTyping(form);
for (const chart of document.querySelectorAll('.chart')) showTips(chart);

/** @param {HTMLFormElement} form */
function quoteWhileTyping(form) {
  const answer = document.getElementById('quote-answer');
  let latest = 0;
  const ask = async () => {
    const number = ++latest;
    const query = new URLSearchParams(new FormData(form));
    const response = await fetch(`${form.dataset.quote}?${query}`);
    const html = await response.text();
    // Led elsewhere: the session is over.
    if (!response.ok || response.redirected) throw new Error('no quote');
    // An answer that was overtaken by a later question is of no use.
    if (number === latest) answer.innerHTML = html;
  };
  form.addEventListener('input', () => {
    if (form.checkValidity()) ask().catch(() => {});
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // Without a script the browser goes there itself, and shows what is wrong.
    ask().catch(() => form.submit());
  });
}

/** @param {Element} chart */
function showTips(chart) {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  const names = [...chart.nextElementSibling.querySelectorAll('.name')];
  chart.addEventListener('pointermove', (event) => {
    const { day, cents } = event.target.dataset;
    tip.hidden = day === undefined;
    if (tip.hidden) return;
    tip.textContent = textOf(
      day,
      cents.split(' ').map((pair) => pair.split(',').map(Number)),
      names.map((name) => name.textContent),
    );
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 12)}px`;
  });
  chart.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
}

/**
 * A day's amounts, in the order of the legend: what was used, and what is expected on top.
 *
 * @param {string} day
 * @param {number[][]} amounts
 * @param {string[]} names
 */
function textOf(day, amounts, names) {
  const inDollars = (cents) => money.format(cents / 100);
  const total = amounts.flat().reduce((sum, cents) => sum + cents, 0);
  const lines = amounts.flatMap(([soFar, expected], index) => [
    ...(soFar === 0 ? [] : [`${names[index]} ${inDollars(soFar)}`]),
    ...(expected === 0 ? [] : [`${names[index]} ${inDollars(expected)} expected`]),
  ]);
  return [`${day}: ${inDollars(total)}`, ...lines].join('\n');
}
