"use strict";
// A field that holds a picture of the library: its buttons choose one and remove it.
(() => {
  function setPicture(field, picture) {
    const input = field.querySelector("[data-picture]"), shown = field.querySelector("[data-picture-shown]");
    input.value = picture?.uuid ?? "";
    shown.hidden = !picture;
    if (picture) shown.src = picture.thumbnail ?? picture.url;
    field.querySelector("[data-do=unpick]").hidden = !picture;
    const pick = field.querySelector("[data-do=pick]");  // not there without the right to the library
    if (pick) pick.textContent = picture ? "Change" : "Choose picture";
    const { alt: own, image_alt: ofStory, picture_alt: ofAppeal } = field.closest("form").elements, alt = own ?? ofStory ?? ofAppeal;
    if (alt && !alt.value && picture?.alt) alt.value = picture.alt;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-picture-field] [data-do]"), field = button?.closest("[data-picture-field]");
    if (button?.dataset.do === "unpick") setPicture(field, null);
    if (button?.dataset.do !== "pick") return;
    const publication = field.dataset.publication || field.closest("form").elements.publication.value;
    const picture = await window.pickPicture({ publication });
    if (picture) setPicture(field, picture);
    button.focus();
  });
})();
