// What the reader takes along: the address, files of the run, and pictures.
at("copy-address").addEventListener("click", () => live.asked && copyAddress());
at("own").addEventListener("change", () => trainer.whenBegun(() => {
  // What was wrong with the one before is said no longer.
  said("");
  ownInput(at("own").value);
}));
// The same source again has the answer of the model as it is by then.
at("own").addEventListener("keydown", ({ key }) => key === "Enter" && live.own === at("own").value.trim() && live.run.source_len && trainer.whenBegun(() => ownInput(live.own)));
new PictureButtons(at("pictures"), () => live.stage);
