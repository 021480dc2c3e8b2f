// Shows one step of the trace at a time: play, pause, step, scrub. All steps are in the page already; only a forced
// token asks the server. `element`, `trigger` and `watch` are gradio's.
const find = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const STEP_MS = 1400;
const NAMED = 0.1; // weights from here on get their number beside the line
let data = null, run = null, shown = [], speed = 1, picked = {layer: 0, head: 0};
const steps = window.playback(element, {
  first: 0,
  last: () => data.cross.length,
  pace: () => STEP_MS / speed,
  complete: () => data.complete,
  draw,
});

// The weights of one step: layers of heads of keys to one number per key, by what is picked (0: the mean).
function weights(layers) {
  const some = picked.layer ? [layers[picked.layer - 1]] : layers;
  const heads = some.flatMap((layer) => (picked.head ? [layer[picked.head - 1]] : layer));
  return heads[0].map((_, key) => heads.reduce((sum, head) => sum + head[key], 0) / heads.length / 1000);
}

function draw(at) {
  all('[data-at]').forEach((part) => { part.hidden = Number(part.dataset.at) !== at; });
  all('.timeline [data-step]').forEach((part) => part.classList.toggle('now', Number(part.dataset.step) === at));
  all('.dec li').forEach((row, place) => {
    row.classList.toggle('later', place > at);
    row.classList.toggle('now', place === at && at > 0);
  });
  find('.result').hidden = !(at === data.cross.length && data.complete);
  const cross = at ? weights(data.cross[at - 1]) : [];
  const own = at ? weights(data.own[at - 1]) : [];
  all('.enc .chip').forEach((chip, key) => heat(chip, cross[key]));
  all('.dec .chip').forEach((chip, key) => heat(chip, own[key]));
  bring(find('.dec'), all('.dec li')[at]);
  bring(find('.enc'), all('.enc li')[cross.indexOf(Math.max(...cross))]);
  lines(cross);
}

// A long sentence scrolls within its column: to the token being written, and to the one it looks at most.
function bring(column, row) {
  if (row) column.scrollTop = row.offsetTop + row.offsetHeight / 2 - column.clientHeight / 2;
}

function heat(chip, weight) {
  chip.classList.toggle('seen', weight !== undefined);
  chip.style.setProperty('--heat', `${Math.round(100 * Math.sqrt(weight ?? 0))}%`);
}

// A line from the token that is being written to every token of the source, as strong as the attention.
function lines(cross) {
  const svg = find('.links svg'), box = svg.getBoundingClientRect();
  svg.replaceChildren();
  shown = cross;
  if (!cross.length || !box.height) return;
  const mark = (name, attributes) => {
    const part = document.createElementNS('http://www.w3.org/2000/svg', name);
    Object.entries(attributes).forEach(([key, value]) => part.setAttribute(key, value));
    svg.append(part);
    return part;
  };
  const middle = (row) => {
    const place = row.getBoundingClientRect();
    return place.top + place.height / 2 - box.top;
  };
  const rows = all('.enc li'), from = middle(all('.dec li')[steps.at]), width = box.width;
  cross.forEach((weight, key) => {
    if (weight < 0.005) return;
    const to = middle(rows[key]);
    mark('path', {
      d: `M${width} ${from}C${width / 2} ${from} ${width / 2} ${to} 0 ${to}`,
      'stroke-width': 1 + 9 * weight,
      'stroke-opacity': 0.25 + 0.75 * Math.sqrt(weight),
    });
  });
  cross.forEach((weight, key) => {
    if (weight < NAMED) return;
    mark('text', {x: 4, y: middle(rows[key]) + 4}).textContent = `${Math.round(100 * weight)}${data.percent}`;
  });
}

// One coloured cell per number of a vector: blue below zero, orange above, clear at zero.
function strips() {
  const bytes = Int8Array.from(atob(data.vectors), (sign) => sign.charCodeAt(0));
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--idea-${name}`).trim().match(/[0-9a-f]{2}/gi).map((two) => parseInt(two, 16));
  const below = colour('prompt'), above = colour('completion');
  all('.enc canvas').forEach((canvas, row) => {
    canvas.width = data.width;
    const pen = canvas.getContext('2d'), image = pen.createImageData(data.width, 1);
    for (let cell = 0; cell < data.width; cell += 1) {
      const value = bytes[row * data.width + cell];
      image.data.set([...(value < 0 ? below : above), Math.min(255, 2 * Math.abs(value))], 4 * cell);
    }
    pen.putImageData(image, 0, 0);
  });
}

function load() {
  const player = find('.player');
  if (!player) return steps.pause();
  data = steps.words = JSON.parse(player.dataset.trace);
  const fresh = data.run !== run;
  run = data.run;
  const selects = all('[data-pick]');
  if (fresh) {
    picked = {layer: 0, head: 0};
    selects.forEach((select) => { picked[select.dataset.pick] = Number(select.value); });
  } else {
    selects.forEach((select) => { select.value = picked[select.dataset.pick]; });
  }
  find('[data-speed]').value = speed;
  strips();
  steps.show(fresh ? data.at : steps.at);
  observer.disconnect();
  observer.observe(find('.board'));
  if (fresh) steps.reveal();
  if (fresh && !steps.still.matches) steps.play();
  steps.label();
}

// The lines follow the layout: a turned phone, or a tab that is shown after it was filled; and a column that is scrolled.
const observer = new ResizeObserver(() => { if (data && find('.board')) steps.show(steps.at); });

element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-release], [data-i]');
  if (!button) return;
  steps.pause();
  if ('release' in button.dataset) trigger('release', {step: steps.at - 1});
  else trigger('force', {step: steps.at - 1, candidate: Number(button.dataset.i)});
});
element.addEventListener('scroll', () => { if (find('.player')) lines(shown); }, true);
element.addEventListener('change', (event) => {
  const {pick, speed: chosen} = event.target.dataset;
  if (pick) {
    picked[pick] = Number(event.target.value);
    steps.show(steps.at);
    trigger('pick', picked);
  } else if (chosen !== undefined) {
    speed = Number(event.target.value);
    if (steps.playing()) steps.play();
  }
});
watch('value', load);
load();
