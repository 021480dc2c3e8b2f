// Leads through the stops of a tour: opens the tab, brings the element into view, frames it, and says what to do there.
// `element` and `watch` are gradio's.
const find = (selector) => element.querySelector(selector);
const still = window.matchMedia('(prefers-reduced-motion: reduce)');
let at = -1, looking = 0;

const stops = () => JSON.parse(find('.tour').dataset.stops);

function keep() {
  const address = new URL(window.location);
  if (at < 0) address.searchParams.delete('tour');
  else address.searchParams.set('tour', at + 1);
  window.history.replaceState(null, '', address);
}

function unframe() {
  clearInterval(looking);
  document.querySelectorAll('.tour-target').forEach((one) => one.classList.remove('tour-target'));
}

// The tab's content may take a moment to be there.
function frame(stop) {
  let tries = 0;
  clearInterval(looking);
  looking = setInterval(() => {
    const target = document.getElementById(stop.at);
    tries += 1;
    if (tries > 100) clearInterval(looking);
    if (!target || !target.getClientRects().length) return;
    clearInterval(looking);
    target.classList.add('tour-target');
    const tall = target.getBoundingClientRect().height > window.innerHeight / 2;
    target.scrollIntoView({behavior: still.matches ? 'auto' : 'smooth', block: tall ? 'start' : 'center'});
  }, 100);
}

function show(place, focus) {
  const all = stops(), box = find('.tour');
  at = Math.min(Math.max(place, 0), all.length - 1);
  const stop = all[at];
  unframe();
  document.querySelector(`[role="tablist"]:not(.visually-hidden) #tab-${stop.tab}-button`)?.click();
  box.hidden = false;
  document.body.classList.add('on-tour');
  find('.where').textContent = `${stop.where} · ${stop.title}`;
  find('.caption').textContent = stop.says;
  find('[data-go="back"]').disabled = at === 0;
  find('[data-go="next"]').textContent = at === all.length - 1 ? box.dataset.done : box.dataset.next;
  if (focus) find('.says').focus({preventScroll: true});
  frame(stop);
  keep();
}

function end() {
  at = -1;
  unframe();
  find('.tour').hidden = true;
  document.body.classList.remove('on-tour');
  keep();
  find('.tour-start').focus({preventScroll: true});
}

function go(where) {
  if (where === 'end' || (where === 'next' && at === stops().length - 1)) end();
  else show(at + (where === 'next' ? 1 : -1), true);
}

element.addEventListener('click', (event) => {
  if (event.target.closest('.tour-start')) return show(0, true);
  const button = event.target.closest('[data-go]');
  if (button) go(button.dataset.go);
});
// Escape ends the tour from anywhere but a dialog; the arrows lead on while its box has the focus.
document.addEventListener('keydown', (event) => {
  if (at < 0 || !element.isConnected || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === 'Escape' && !event.target.closest('dialog')) return end();
  const where = {ArrowRight: 'next', ArrowLeft: 'back'}[event.key];
  if (!where || !element.contains(event.target)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (where === 'next' || at > 0) go(where);
});
// In another language the box is made anew.
watch('value', () => requestAnimationFrame(() => { if (at >= 0) show(at, false); }));
const asked = Number(new URL(window.location).searchParams.get('tour'));
if (Number.isInteger(asked) && asked > 0) {
  const waiting = setInterval(() => {
    if (!document.querySelector('[role="tablist"]:not(.visually-hidden) [role="tab"]')) return;
    clearInterval(waiting);
    show(asked - 1, false);
  }, 100);
}
