// Draws the sign-up form that is being designed, with the script that sites load.
(async () => {
  const options = JSON.parse(document.getElementById("options").textContent);
  options.style = await (await fetch(document.body.dataset.styles)).text();
  options.tag = document.querySelector("[data-form]");
  digestSignUp(options);
})();
