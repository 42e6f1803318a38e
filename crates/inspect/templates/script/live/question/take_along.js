// What the reader takes along: the address, files of the run, and pictures.
at("copy-address").addEventListener("click", () => live.asked && copyAddress());
at("own").addEventListener("change", () => trainer.whenBegun(() => {
  // What was wrong with the one before is said no longer.
  said("");
  ownInput(at("own").value);
}));
new PictureButtons(at("pictures"), () => live.stage);
