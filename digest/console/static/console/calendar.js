"use strict";
// Loaded before Alpine. Dragging an issue to another day, or pressing its handle, opens the dialog that changes its time.
document.addEventListener("alpine:init", () => {
  Alpine.data("issueCalendar", () => ({
    title: "", issue: "", revision: "", at: "", zone: "", dragged: null,
    open(item, day = item.dataset.at.slice(0, 10)) {
      Object.assign(this, { title: item.dataset.title, issue: item.dataset.issue, revision: item.dataset.revision, zone: item.dataset.zone });
      this.at = day + item.dataset.at.slice(10);
      this.$refs.dialog.showModal();
    },
    // The list that an item was dragged from is that of its day when the page was made.
    drop(key, day) {
      const item = document.getElementById(key), home = item.dataset.day ?? day;
      if (home === day) return;
      this.dragged = { item, home: this.$root.querySelector(`ul[data-day="${home}"]`) };
      this.open(item, day);
    },
    restore() {
      if (!this.dragged) return;
      const { item, home } = this.dragged;
      const later = [...home.children].find((other) => (other.dataset.at ?? "") > item.dataset.at);
      home.insertBefore(item, later ?? null);
      this.dragged = null;
    },
    init() {
      for (const item of this.$root.querySelectorAll("[data-issue]")) item.dataset.day = item.parentElement.dataset.day;
    },
  }));
});
