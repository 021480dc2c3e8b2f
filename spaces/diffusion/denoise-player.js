// Shows one step of all runs at a time: play, pause, step, scrub. All steps are in the page already; the server is not
// asked. `element` and `watch` are gradio's.
const find = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const STEP_MS = 300;
let data = null, run = null, follows = true;
const steps = window.playback(element, {
  first: 1,
  last: () => data.steps,
  pace: () => STEP_MS,
  taken: () => { follows = false; },
  draw,
});

function draw(at) {
  // The second of two runs may be some steps behind while both are drawn.
  all('section').forEach((section) => {
    const count = Number(section.dataset.steps), here = Math.min(at, count);
    section.querySelectorAll('.strips figure:not(.outcome) .frame').forEach((frame) => {
      frame.style.backgroundPositionX = count > 1 ? `${100 * (here - 1) / (count - 1)}%` : '0';
    });
    section.querySelectorAll('[data-at]').forEach((part) => { part.hidden = Number(part.dataset.at) !== here; });
    section.querySelectorAll('[data-dot]').forEach((dot) => dot.classList.toggle('now', Number(dot.dataset.dot) === here));
  });
}

function load() {
  const player = find('.player');
  if (!player) return steps.pause();
  data = steps.words = JSON.parse(player.dataset.trace);
  const fresh = data.run !== run;
  if (fresh) {
    run = data.run;
    follows = !data.begin;
    steps.pause();
    steps.reveal();
  }
  // While it is drawn, the newest step is shown until somebody takes over.
  steps.show(follows ? data.steps : fresh ? data.begin : steps.at);
  steps.label();
}

watch('value', load);
load();
