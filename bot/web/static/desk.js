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
  // What changed is put in place of what stood there. Fields somebody is writing in are never touched.
  const writing = () => [...document.querySelectorAll("textarea")].some((field) => field.value.trim());

  async function refresh() {
    const answer = await fetch(location.pathname + location.search);
    if (!answer.ok) {
      location.reload();
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const news = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
      if (!news || part.isEqualNode(news)) continue;
      if (part.dataset.live === "act" && (writing() || part.contains(document.activeElement))) continue;
      if (part.dataset.live === "entries") merge(part, news);
      else part.replaceWith(document.importNode(news, true));
    }
    guardForms();
  }
  // Line by line, so that a screen reader reads out only what is new.
  function merge(list, news) {
    [...news.children].forEach((line, n) => {
      const old = list.children[n];
      if (!old) list.append(document.importNode(line, true));
      else if (!old.isEqualNode(line)) old.replaceWith(document.importNode(line, true));
    });
  }

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
        await refresh();
      }
      changed.textContent = "";
    } catch (error) {
      changed.textContent = "Keine Verbindung. Es wird weiter versucht …";
      await new Promise((done) => setTimeout(done, 3000));
    }
    wait();
  }
  function guardForms() {
    for (const form of document.querySelectorAll(".act form")) {
      form.onsubmit = () => {
        for (const button of document.querySelectorAll(".act button")) button.disabled = true;
      };
    }
  }
  guardForms();
  wait();
})();
