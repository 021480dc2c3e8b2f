// Opens the dialog with a recorded run and plays it. The server is asked for a run once; all steps are in the page then.
// `element`, `trigger` and `watch` are gradio's.
const find = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
let data = null, sections = [];
const steps = window.playback(element, {
  first: 1,
  last: () => data.steps,
  pace: () => data.pace,
  hidden: () => !find('dialog')?.open,
  draw,
});

function draw(at) {
  const percent = new Intl.NumberFormat(data.lang, {style: 'percent', maximumSignificantDigits: 3});
  sections.forEach(({part, count, run}) => {
    const here = Math.min(at, count);
    part.querySelectorAll('[data-from]').forEach((one) => {
      one.classList.toggle('later', Number(one.dataset.from) > here);
      one.classList.toggle('selected', one.classList.contains('chip') && Number(one.dataset.from) === here);
    });
    part.querySelectorAll('.strip').forEach((frame) => {
      frame.style.backgroundPositionX = count > 1 ? `${100 * (here - 1) / (count - 1)}%` : '0';
    });
    if (run.says) part.querySelector('.say').textContent = run.says[here - 1];
    if (run.heat) part.querySelectorAll('.heated .chip').forEach((chip, place) => {
      chip.style.setProperty('--heat', `${Math.round(100 * Math.sqrt((run.heat[here - 1][place] ?? 0) / 1000))}%`);
      if (run.at) chip.classList.toggle('selected', place === here - 1);
    });
    if (run.bars) part.querySelectorAll('table.bars tbody tr').forEach((row, place) => {
      const [name, chance] = run.bars[here - 1][place] ?? ['', 0];
      row.style.visibility = name ? 'visible' : 'hidden';
      row.classList.toggle('selected', name === run.chosen[here - 1]);
      row.children[0].textContent = name;
      row.children[1].firstElementChild.style.width = `${100 * chance}%`;
      row.children[2].textContent = percent.format(chance);
    });
  });
}

function load() {
  const dialog = find('dialog');
  if (!dialog) return;
  data = steps.words = JSON.parse(find('.player').dataset.trace);
  steps.pause();
  sections = all('section').map((part) => ({
    part, count: Number(part.dataset.steps), run: JSON.parse(part.dataset.play),
  }));
  if (!dialog.open) dialog.showModal();
  dialog.addEventListener('close', steps.pause);
  steps.show(steps.still.matches ? data.steps : 1);
  if (!steps.still.matches) steps.play();
}

document.addEventListener('click', (event) => {
  const way = event.target.closest?.('[data-recorded]');
  if (!way || !element.isConnected) return;
  if (find('dialog')?.dataset.run === way.dataset.recorded && find('dialog').lang === document.documentElement.lang) load();
  else trigger('recall', {run: way.dataset.recorded});
});
// A model that fails or is too busy says so in a note; then the way to the recorded run stands out on every tab.
const trouble = new MutationObserver(() => {
  if (!document.querySelector('.toast-body.error')) return;
  document.body.classList.add('model-trouble');
  trouble.disconnect();
});
trouble.observe(document.body, {childList: true, subtree: true});
watch('value', () => requestAnimationFrame(load));
const asked = new URL(window.location).searchParams.get('recorded');
if (asked) trigger('recall', {run: asked});
