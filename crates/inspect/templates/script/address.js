// The state in the address, both ways: #step=70&query=2&head=0&layer=0&probe=0&view=change. What each key means, and which
// values it may have, is a matter of the page.
const ADDRESS_DELAY = 400;

class Address {
  // `read` gives the state as numbers and words by key, `apply` is given what an address holds.
  constructor({ read, apply }) {
    Object.assign(this, { read, apply, timer: 0 });
    addEventListener("hashchange", () => this.follow());
  }
  follow() {
    const found = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    if (Object.keys(found).length) this.apply(found);
  }
  // Browsers refuse more than a few changes in a second.
  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), ADDRESS_DELAY);
  }
  write() {
    const text = new URLSearchParams(Object.entries(this.read())).toString();
    if (text === location.hash.slice(1)) return;
    try {
      history.replaceState(null, "", text ? `#${text}` : location.href.split("#")[0]);
    } catch {
      // A page without an address of its own keeps its state all the same.
    }
  }
}
