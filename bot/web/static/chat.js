"use strict";
// The chat page. It shows what the server sends and decides nothing; every text goes in as text, never as HTML.
(() => {
  const log = document.getElementById("log");
  const form = document.getElementById("form");
  const text = document.getElementById("text");
  const status = document.getElementById("status");
  const keep = document.getElementById("keep");
  let words = {};
  let language = document.documentElement.lang;
  let cursor = 0;
  let stream = null;
  let gone = false;
  const seen = new Set();

  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  };
  const word = (name) => (words[language] || {})[name] || "";
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  function speak(code) {
    if (!words[code] || gone) return;
    language = code;
    document.documentElement.lang = code;
    document.documentElement.dir = words[code].direction;
    document.title = word("title");
    for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
    text.placeholder = word("write");
    log.setAttribute("aria-label", word("log"));
  }

  // One after the other: what was said first arrives first.
  let before = Promise.resolve();
  function send(path, data) {
    const answer = before.then(() => post(path, data));
    before = answer;
    return answer;
  }

  async function post(path, data) {
    const id = newId();
    for (let attempt = 0; attempt < 4; attempt += 1) {
      try {
        const answer = await fetch(path, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ ...data, id }), // the same id again: sent twice is one message
        });
        if (answer.ok) {
          status.textContent = "";
          return await answer.json();
        }
        if (answer.status === 429) {
          status.textContent = word("too_fast");
          return null;
        }
        if (answer.status === 401) setTimeout(begin, 0);
        if (answer.status < 500) break;
      } catch (error) {
        status.textContent = word("offline");
      }
      await new Promise((done) => setTimeout(done, 500 * 2 ** attempt));
    }
    status.textContent = word("not_sent");
    return null;
  }

  function spans(block) {
    return block.spans.map(([content, bold, url]) => {
      if (url && /^(https?:|tel:|mailto:)/.test(url)) {
        return element("a", { href: url, textContent: content, rel: "noreferrer noopener", target: "_blank" });
      }
      return bold ? element("strong", { textContent: content }) : document.createTextNode(content);
    });
  }

  function blocks(message) {
    const nodes = [];
    for (const block of message.blocks) {
      if (block.kind === "bullet" || block.kind === "number") {
        const name = block.kind === "bullet" ? "UL" : "OL";
        if (!nodes.length || nodes[nodes.length - 1].tagName !== name) nodes.push(element(name));
        nodes[nodes.length - 1].append(element("li", {}, ...spans(block)));
      } else if (block.kind === "heading") {
        nodes.push(element("h2", {}, ...spans(block)));
      } else {
        nodes.push(element("p", { className: block.kind === "small" ? "small" : "" }, ...spans(block)));
      }
    }
    return nodes;
  }

  function scrollDown(node) {
    node.scrollIntoView({ block: "start" });
  }

  function show(message) {
    if (seen.has(message.row)) return;
    seen.add(message.row);
    speak(message.language);
    const who = message.role === "agent" ? word("team") : word("bot");
    const box = element("article", { className: "message", lang: message.language });
    box.dir = (words[message.language] || {}).direction || "auto";
    if (message.crisis) box.classList.add("crisis");
    if (message.role === "agent") box.classList.add("agent");
    box.append(element("span", { className: "visually-hidden", textContent: `${who}: ` }), ...blocks(message));
    if (message.choices.length) {
      const list = element("ul", { className: "choices" });
      list.setAttribute("aria-label", word("choices"));
      for (const [id, label] of message.choices) {
        const button = element("button", { type: "button", textContent: label, dir: "auto" });
        button.addEventListener("click", () => {
          own(label);
          button.setAttribute("aria-pressed", "true");
          send("/chat/choice", { choice: id, row: message.row });
        });
        list.append(element("li", {}, button));
      }
      box.append(list);
    }
    log.append(box);
    scrollDown(box);
  }

  function own(content) {
    const box = element("article", { className: "message own", dir: "auto" });
    box.append(
      element("span", { className: "visually-hidden", textContent: `${word("you")}: ` }),
      document.createTextNode(content),
    );
    log.append(box);
    box.scrollIntoView({ block: "nearest" });
  }

  function listen() {
    if (gone) return;
    stream = new EventSource(`/chat/events?after=${cursor}`);
    stream.addEventListener("message", (event) => {
      cursor = Number(event.lastEventId);
      show(JSON.parse(event.data));
    });
    stream.addEventListener("open", () => { status.textContent = ""; });
    stream.addEventListener("error", () => {
      status.textContent = word("offline");
      if (stream.readyState === EventSource.CLOSED) setTimeout(begin, 2000);
    });
  }

  async function begin() {
    if (gone) return;
    if (stream) stream.close();
    const start = new URLSearchParams(location.search).get("s") || "";
    const answer = await send("/chat/session", { start, keep: keep.checked });
    if (answer) {
      if (answer.new && seen.size) { // the session was over: what stands here belongs to nobody any more
        log.replaceChildren();
        seen.clear();
        cursor = 0;
      }
      if (start) history.replaceState(null, "", "/");
      listen();
    } else {
      setTimeout(begin, 3000);
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const content = text.value.trim();
    if (!content) return;
    text.value = "";
    text.style.height = "";
    own(content);
    if (!(await send("/chat/message", { text: content })) && !text.value) text.value = content;
    text.focus();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  keep.addEventListener("change", () => send("/chat/session", { start: "", keep: keep.checked }));
  document.getElementById("leave").addEventListener("click", async () => {
    if (stream) stream.close();
    const said = word("left");
    const again = word("again");
    await send("/chat/leave", {});
    gone = true;
    log.replaceChildren();
    form.hidden = true;
    seen.clear();
    const link = element("a", { href: "/", textContent: again });
    status.replaceChildren(document.createTextNode(`${said} `), link);
    link.focus();
  });

  fetch("/chat/strings.json").then((answer) => answer.json()).then((loaded) => {
    words = loaded;
    begin();
  });
})();
