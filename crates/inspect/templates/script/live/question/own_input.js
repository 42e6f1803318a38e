// An input of the reader's own. It stays when its run begins again, and goes with the task that it is of.
const owned = {
  isStale: false,
  began(run) {
    const of = `${run.task} ${run.seq_len}`;
    if (live.own && owned.of !== of) {
      live.own = null;
      at("own").value = "";
    }
    Object.assign(owned, { of, isStale: Boolean(live.own) });
  },
  grown() {
    if (!owned.isStale) return;
    owned.isStale = false;
    ownInput(live.own);
  },
};

// Tokens of the reader's own: the labels that share a position stand side by side. Of a text, every character is a token.
function ownInput(text) {
  const { vocabulary, stack, seq_len, source_len } = live.run;
  if (live.run.task === "chars" && text.trim()) return ownText(Array.from(text.trim()), seq_len);
  if (source_len && text.trim()) return ownSource(text.trim());
  const labels = [...vocabulary].sort((a, b) => b.length - a.length);
  const split = (rest, n) => {
    if (n === 0) return rest === "" ? [] : null;
    for (const label of labels) {
      const more = rest.startsWith(label) ? split(rest.slice(label.length), n - 1) : null;
      if (more) return [label, ...more];
    }
    return null;
  };
  const positions = text.trim().split(/\s+/).filter(Boolean);
  live.own = null;
  if (!positions.length) return trainer.post("probe", { shown: { positions: null } });
  if (positions.length !== seq_len) return said(say("live.wrongInput", { n: seq_len }));
  live.own = text.trim();
  trainer.post("probe", { shown: { positions: positions.map((position) => split(position, stack) ?? [position]) } });
}
// Of a pair the source: its answer is the one that the model writes now.
function ownSource(source) {
  live.own = source;
  trainer.post("probe", { shown: { source } });
  said(say("live.ownSource"));
}
// As many characters as the task takes; a space has a label that is seen.
function ownText(characters, seq_len) {
  live.own = null;
  if (characters.length < seq_len) return said(say("live.shortText", { n: seq_len, found: characters.length }));
  const shown = characters.slice(0, seq_len);
  live.own = shown.join("");
  trainer.post("probe", { shown: { positions: shown.map((character) => [character === " " ? "␣" : character]) } });
}
