// Opens the dialog with a recorded run and plays it. The server is asked for a run once; all steps are in the page then.
// `element`, `trigger` and `watch` are gradio's.
const find = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const still = window.matchMedia('(prefers-reduced-motion: reduce)');
let data = null, sections = [], at = 1, timer = 0;

const playing = () => timer !== 0;

function pause() {
  clearInterval(timer);
  timer = 0;
  label();
}

function play() {
  if (at >= data.steps) at = 1;
  clearInterval(timer);
  timer = setInterval(() => {
    if (!element.isConnected || !find('dialog')?.open) return pause();
    if (at < data.steps) show(at + 1);
    if (at >= data.steps) pause();
  }, data.pace);
  label();
  show(at);
}

function label() {
  const button = find('[data-do="play"]');
  if (!button) return;
  const name = playing() ? data.pause : data.play;
  button.classList.toggle('playing', playing());
  button.setAttribute('aria-label', name);
  button.title = name;
}

function show(step) {
  at = Math.min(Math.max(step, 1), data.steps);
  const scrub = find('input[type="range"]');
  scrub.value = at;
  scrub.setAttribute('aria-valuetext', data.of.replace('{}', at));
  const percent = new Intl.NumberFormat(data.lang, {style: 'percent', maximumSignificantDigits: 3});
  sections.forEach(({part, steps, run}) => {
    const here = Math.min(at, steps);
    part.querySelectorAll('[data-from]').forEach((one) => {
      one.classList.toggle('later', Number(one.dataset.from) > here);
      one.classList.toggle('selected', one.classList.contains('chip') && Number(one.dataset.from) === here);
    });
    part.querySelectorAll('.strip').forEach((frame) => {
      frame.style.backgroundPositionX = steps > 1 ? `${100 * (here - 1) / (steps - 1)}%` : '0';
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
  clearInterval(timer);
  timer = 0;
  data = JSON.parse(find('.player').dataset.trace);
  sections = all('section').map((part) => ({
    part, steps: Number(part.dataset.steps), run: JSON.parse(part.dataset.play),
  }));
  if (!dialog.open) dialog.showModal();
  dialog.addEventListener('close', pause);
  show(still.matches ? data.steps : 1);
  if (!still.matches) play();
}

document.addEventListener('click', (event) => {
  const way = event.target.closest?.('[data-recorded]');
  if (!way || !element.isConnected) return;
  if (find('dialog')?.dataset.run === way.dataset.recorded && find('dialog').lang === document.documentElement.lang) load();
  else trigger('recall', {run: way.dataset.recorded});
});
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button) return;
  if (button.dataset.do === 'play') return playing() ? pause() : play();
  pause();
  const moves = {first: 1, back: at - 1, next: at + 1, last: data.steps};
  show(moves[button.dataset.do]);
});
element.addEventListener('input', (event) => {
  if (event.target.type !== 'range') return;
  pause();
  show(Number(event.target.value));
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
