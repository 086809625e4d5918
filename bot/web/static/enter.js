"use strict";
// The token is in the fragment, which the browser never sends by itself; it is taken out of the address at once.
(() => {
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  const status = document.getElementById("status");
  const button = document.getElementById("enter");
  const post = (path) => fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  async function look() {
    const answer = await post("/desk/enter/who");
    if (!answer.ok) {
      status.textContent = await answer.text();
      return;
    }
    const { name } = await answer.json();
    status.textContent = "Der Link gilt einmal.";
    button.textContent = `Als ${name} anmelden`;
    button.hidden = false;
    button.focus();
  }
  button.addEventListener("click", async () => {
    button.disabled = true;
    const answer = await post("/desk/enter");
    if (answer.ok) location.replace("/desk");
    else status.textContent = await answer.text();
  });
  look();
})();
