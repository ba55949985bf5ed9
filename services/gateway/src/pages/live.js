// Live updates and keys. Everything works without this file; with it, new alerts are announced and inserted on request.
(function () {
  "use strict";
  var list = document.querySelector("[data-live]");
  var banner = document.getElementById("live");
  if (list && banner && window.EventSource) {
    var waiting = new Set();
    var words = banner.dataset;
    var title = document.title;
    var source = new EventSource("/v1/events");
    var note = function (event) {
      var data = {};
      try { data = JSON.parse(event.data); } catch (_) { return; }
      if (!data.mine) return;
      waiting.add(data.about || event.lastEventId);
      banner.querySelector("button").textContent = words.before + waiting.size + words.after;
      banner.hidden = false;
      document.title = "(" + waiting.size + ") " + title;
    };
    ["alert.raised", "alert.acknowledged", "alert.closed"].forEach(function (name) { source.addEventListener(name, note); });
    banner.querySelector("button").addEventListener("click", function () {
      fetch(location.href, { headers: { "X-Duban-Part": "live" } }).then(function (answer) { return answer.text(); }).then(function (html) {
        var page = new DOMParser().parseFromString(html, "text/html");
        var fresh = page.querySelector("[data-live]");
        if (fresh) { list.replaceWith(fresh); list = fresh; }
        waiting.clear(); banner.hidden = true; document.title = title;
        list.focus();
      });
    });
  }
  var rows = function () { return Array.prototype.slice.call(document.querySelectorAll("[data-row]")); };
  var at = -1;
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|TEXTAREA|SELECT|BUTTON)$/.test(event.target.tagName)) return;
    var all = rows();
    if (event.key === "/") {
      var search = document.querySelector("input[type=search]");
      if (search) { search.focus(); event.preventDefault(); }
    } else if (event.key === "j" || event.key === "k") {
      at = Math.max(0, Math.min(all.length - 1, at + (event.key === "j" ? 1 : -1)));
      if (all[at]) {
        all.forEach(function (row, i) { row.setAttribute("aria-selected", String(i === at)); });
        var link = all[at].querySelector("a");
        if (link) link.focus();
      }
    }
  });
})();
