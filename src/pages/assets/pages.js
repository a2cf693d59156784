// Adds comfort to pages that work without it: quotes while typing, numbers under the pointer.

for (const form of document.querySelectorAll('form[data-quote]')) quoteWhileTyping(form);
for (const chart of document.querySelectorAll('.chart')) showTips(chart);

/** @param {HTMLFormElement} form */
function quoteWhileTyping(form) {
  const answer = document.getElementById('quote-answer');
  let latest = 0;
  const ask = async () => {
    if (!form.checkValidity()) return;
    const number = ++latest;
    const query = new URLSearchParams(new FormData(form));
    const response = await fetch(`${form.dataset.quote}?${query}`);
    const html = await response.text();
    // An answer that was overtaken by a later question is of no use.
    if (response.ok && number === latest) answer.innerHTML = html;
  };
  form.addEventListener('input', () => void ask());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (form.reportValidity()) void ask();
  });
}

/** @param {Element} chart */
function showTips(chart) {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  chart.addEventListener('pointermove', (event) => {
    const about = event.target.closest('[data-tip]');
    tip.hidden = about === null;
    if (about === null) return;
    tip.textContent = about.dataset.tip;
    const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 12)}px`;
  });
  chart.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
}
