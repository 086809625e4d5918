"use strict";
// Waits for changes, counts in the title, and makes a sound if somebody wants one. A half-written reply is never lost.
(() => {
  const main = document.getElementById("main");
  const changed = document.getElementById("changed");
  const sound = document.getElementById("sound");
  let version = Number(main.dataset.version);
  let waitingBefore = null;
  const title = document.title.replace(/^\(\d+\) /, "");
  sound.checked = localStorage.getItem("sound") === "on";
  sound.addEventListener("change", () => {
    localStorage.setItem("sound", sound.checked ? "on" : "off");
    if (sound.checked) ring();
  });

  function ring() {
    const context = new AudioContext();
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0.15, context.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.6);
    tone.connect(volume).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + 0.6);
  }
  const writing = () => [...document.querySelectorAll("textarea")].some((field) => field.value.trim());

  async function wait() {
    try {
      const answer = await fetch(`/desk/wait?version=${version}`);
      if (answer.status === 401) {
        location.reload();
        return;
      }
      const news = await answer.json();
      document.title = news.waiting ? `(${news.waiting}) ${title}` : title;
      if (waitingBefore !== null && news.waiting > waitingBefore && sound.checked) ring();
      waitingBefore = news.waiting;
      if (news.version > version) {
        version = news.version;
        if (writing()) {
          const link = document.createElement("a");
          link.href = location.pathname + location.search;
          link.textContent = "Es gibt Neues. Seite neu laden";
          changed.replaceChildren(link);
        } else {
          location.reload();
          return;
        }
      }
    } catch (error) {
      changed.textContent = "Keine Verbindung. Es wird weiter versucht …";
      await new Promise((done) => setTimeout(done, 3000));
    }
    wait();
  }
  for (const form of document.querySelectorAll(".act form")) {
    form.addEventListener("submit", () => {
      for (const button of document.querySelectorAll(".act button")) button.disabled = true;
    });
  }
  wait();
})();
