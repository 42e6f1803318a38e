// In the worker: changes of the model by hand, and maps that are only tried.

// A change, and what it has done in figures. Those of one gesture are undone together.
function edited({ edit, gesture, lane }) {
  let figures;
  const change = () => {
    figures = ask((group) => group.one(lane, { do: "edit", edit }));
    return figures !== undefined;
  };
  if (gesture !== undefined && gesture === worker.gesture) change();
  else keep(edit.what, change);
  if (figures) worker.gesture = gesture;
  // What was refused is answered, too: the page waits for it.
  post({ do: "edited", edit, gesture, lane, ...figures });
  if (figures) show();
}

// What the model would do with a drawn map; nothing is changed.
function wanted({ map, lane }) {
  post({ do: "wanted", figures: ask((group) => group.one(lane, { do: "wanted-map", ...map })) });
}
