"use strict";
// What the page is about.
const film = JSON.parse(document.getElementById("film").textContent);
const { palettes } = film;
