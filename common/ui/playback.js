// The buttons and the slider of playback.py: play, pause, step, scrub. In the head of every page, once; a player calls
// it with its element and with what is its own:
//   first       the number of the first step
//   last()      that of the newest step there is
//   pace()      ms that a step stays
//   draw(at)    shows a step
//   complete()  whether no more steps will come; without it, none will
//   hidden()    whether nobody can see it; without it, while it is in the page somebody can
//   taken()     called when somebody uses a button or the slider
window.playback = (element, {first, last, pace, draw, complete = () => true, hidden = () => false, taken = () => {}}) => {
  const find = (selector) => element.querySelector(selector);
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');
  let words = null, at = first, timer = 0;

  const playing = () => timer !== 0;

  function pause() {
    clearInterval(timer);
    timer = 0;
    label();
  }

  function play() {
    if (at >= last() && complete()) at = first;
    clearInterval(timer);
    timer = setInterval(() => {
      if (!element.isConnected || hidden()) return pause();
      if (at < last()) show(at + 1);
      if (at >= last() && complete()) pause();
    }, pace());
    label();
    show(at);
  }

  function label() {
    const button = find('[data-do="play"]');
    if (!button) return;
    const name = playing() ? words.pause : words.play;
    button.classList.toggle('playing', playing());
    button.setAttribute('aria-label', name);
    button.title = name;
  }

  function show(step) {
    at = Math.min(Math.max(step, first), last());
    const scrub = find('input[type="range"]');
    scrub.value = at;
    scrub.setAttribute('aria-valuetext', words.of.replace('{}', at));
    draw(at);
  }

  // On a phone the player begins below what can be seen.
  function reveal() {
    const player = find('.player');
    const below = player.getBoundingClientRect().top > 0.6 * window.innerHeight;
    if (below) player.scrollIntoView({behavior: still.matches ? 'auto' : 'smooth'});
  }

  element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-do]');
    if (!button) return;
    taken();
    if (button.dataset.do === 'play') return playing() ? pause() : play();
    pause();
    show({first, back: at - 1, next: at + 1, last: last()}[button.dataset.do]);
  });
  element.addEventListener('input', (event) => {
    if (event.target.type !== 'range') return;
    taken();
    pause();
    show(Number(event.target.value));
  });
  return {
    still, playing, pause, play, label, show, reveal,
    get at() { return at; },
    set words(said) { words = said; }, // {play, pause, of}: what the buttons and the slider are called
  };
};
