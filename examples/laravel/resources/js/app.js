const notes = document.querySelector('#notes');
notes.title = `${notes.textContent} notes so far`;
