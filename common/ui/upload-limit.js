// Refuses files that are too large, chosen, dropped or pasted, before gradio sees them. `bytes` is the limit; `words` are,
// by language, the name of the button that closes, and a sentence with \x00 for the file and \x01 for its megabytes.
(({ bytes, words }) => {
  const SHOWN = 10000; // milliseconds
  let shown = null;
  const show = (file) => {
    const said = words[document.documentElement.lang] ?? words.en;
    shown?.remove();
    const notice = document.createElement('div');
    notice.className = 'upload-refused';
    notice.setAttribute('role', 'alert');
    const sentence = document.createElement('p');
    const close = document.createElement('button');
    sentence.textContent = said.sentence.replace('\x01', Math.ceil(file.size / 1e6)).replace('\x00', () => file.name);
    close.textContent = '×';
    close.setAttribute('aria-label', said.close);
    close.addEventListener('click', () => notice.remove());
    notice.append(close, sentence);
    // Inside the page's container its colours are known, light and dark.
    (document.querySelector('.gradio-container') ?? document.body).append(notice);
    shown = notice;
    setTimeout(() => notice.remove(), SHOWN);
  };
  const refuse = (event, files) => {
    const large = [...(files ?? [])].find((file) => file.size > bytes);
    if (!large) return false;
    event.preventDefault();
    event.stopImmediatePropagation();
    show(large);
    return true;
  };
  // On the window and on the way down, so that it comes before any listener of a component.
  window.addEventListener('change', (event) => {
    const input = event.target;
    // Emptied, so that the same file can be chosen again once it has become smaller.
    if (input instanceof HTMLInputElement && input.type === 'file' && refuse(event, input.files)) input.value = '';
  }, true);
  window.addEventListener('drop', (event) => {
    if (refuse(event, event.dataTransfer?.files)) {
      event.target.dispatchEvent(new DragEvent('dragleave', { bubbles: true })); // the place stops expecting a file
    }
  }, true);
  window.addEventListener('paste', (event) => refuse(event, event.clipboardData?.files), true);
})
