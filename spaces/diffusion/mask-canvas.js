// A mask painted over a picture: bright is what shall be drawn anew. Every stroke is sent as a small PNG.
// `element`, `watch` and `trigger` are gradio's.
const find = (selector) => element.querySelector(selector);
const EDGE = 128; // of the mask, in its own pixels
let mask = null, last = null;

function pen() {
  const context = mask.getContext('2d');
  context.strokeStyle = context.fillStyle = '#fff';
  context.lineCap = context.lineJoin = 'round';
  context.lineWidth = Number(find('.painted input').value);
  return context;
}

function draw() {
  const canvas = find('.painted canvas'), context = canvas.getContext('2d');
  context.clearRect(0, 0, EDGE, EDGE);
  context.drawImage(mask, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = '#d55e00';
  context.fillRect(0, 0, EDGE, EDGE);
  context.globalCompositeOperation = 'source-over';
}

const empty = () => !mask.getContext('2d').getImageData(0, 0, EDGE, EDGE).data.some((value) => value > 0);
const send = () => trigger('select', {mask: empty() ? '' : mask.toDataURL('image/png')});

function load() {
  const painted = find('.painted');
  if (!painted) return;
  mask = document.createElement('canvas');
  mask.width = mask.height = EDGE;
  if (!painted.dataset.mask) return draw();
  const image = new Image();
  image.onload = () => { mask.getContext('2d').drawImage(image, 0, 0, EDGE, EDGE); draw(); };
  image.src = painted.dataset.mask;
}

function place(event) {
  const box = find('.painted canvas').getBoundingClientRect();
  return [(event.clientX - box.left) / box.width * EDGE, (event.clientY - box.top) / box.height * EDGE];
}

element.addEventListener('pointerdown', (event) => {
  if (!event.target.closest('.painted canvas')) return;
  event.preventDefault();
  event.target.setPointerCapture(event.pointerId);
  last = place(event);
  const context = pen();
  context.beginPath();
  context.arc(...last, context.lineWidth / 2, 0, 7);
  context.fill();
  draw();
});
element.addEventListener('pointermove', (event) => {
  if (!last) return;
  const context = pen(), here = place(event);
  context.beginPath();
  context.moveTo(...last);
  context.lineTo(...here);
  context.stroke();
  last = here;
  draw();
});
['pointerup', 'pointercancel'].forEach((name) => element.addEventListener(name, () => {
  if (!last) return;
  last = null;
  send();
}));
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-mask-do]');
  if (!button) return;
  const context = pen();
  context.clearRect(0, 0, EDGE, EDGE);
  const parts = {top: [0, 0, EDGE, EDGE / 2], bottom: [0, EDGE / 2, EDGE, EDGE / 2], middle: [32, 32, 64, 64]};
  const part = parts[button.dataset.maskDo];
  if (part) context.fillRect(...part);
  draw();
  send();
});
watch('value', load);
load();
