// Shows one step of all runs at a time: play, pause, step, scrub. All steps are in the page already; the server is not
// asked. `element` and `watch` are gradio's.
const find = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const still = window.matchMedia('(prefers-reduced-motion: reduce)');
const STEP_MS = 300;
let data = null, run = null, at = 1, timer = 0, follows = true;

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
    if (!element.isConnected) return pause();
    if (at < data.steps) show(at + 1);
    if (at >= data.steps) pause();
  }, STEP_MS);
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
  // The second of two runs may be some steps behind while both are drawn.
  all('section').forEach((section) => {
    const steps = Number(section.dataset.steps), here = Math.min(at, steps);
    section.querySelectorAll('.strips figure:not(.outcome) .frame').forEach((frame) => {
      frame.style.backgroundPositionX = steps > 1 ? `${100 * (here - 1) / (steps - 1)}%` : '0';
    });
    section.querySelectorAll('[data-at]').forEach((part) => { part.hidden = Number(part.dataset.at) !== here; });
    section.querySelectorAll('[data-dot]').forEach((dot) => dot.classList.toggle('now', Number(dot.dataset.dot) === here));
  });
}

function load() {
  const player = find('.player');
  if (!player) return pause();
  data = JSON.parse(player.dataset.trace);
  if (data.run !== run) {
    run = data.run;
    follows = !data.begin;
    at = data.begin;
    pause();
    // On a phone the player begins below what can be seen.
    const below = player.getBoundingClientRect().top > 0.6 * window.innerHeight;
    if (below) player.scrollIntoView({behavior: still.matches ? 'auto' : 'smooth'});
  }
  show(follows ? data.steps : at); // while it is drawn, the newest step is shown until somebody takes over
  label();
}

element.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button || !find('.player')) return;
  follows = false;
  if (button.dataset.do === 'play') return playing() ? pause() : play();
  pause();
  const moves = {first: 1, back: at - 1, next: at + 1, last: data.steps};
  if (button.dataset.do in moves) show(moves[button.dataset.do]);
});
element.addEventListener('input', (event) => {
  if (event.target.type !== 'range') return;
  follows = false;
  pause();
  show(Number(event.target.value));
});
watch('value', load);
load();
