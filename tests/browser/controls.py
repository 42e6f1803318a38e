"""The controls of a page as its document has them, so that a test need not know which there are."""

import json

# A script that defines what the tests ask for. A control is what can be pressed, chosen, filled in or focused.
FIND = """(() => {
    const CONTROLS = 'a[href], button, input, select, textarea, summary, [tabindex], [role=button], [role=slider], [role=radio], [role=checkbox], [role=tab], [contenteditable=true]';
    const isSeen = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: false }) && one.getClientRects().length > 0;
    // Where the name of a thing comes from, as the rules of accessible names have it, for what the pages use.
    const words = (one) => one.getAttribute('aria-label')?.trim() || one.textContent.replace(/\\s+/g, ' ').trim();
    const nameOf = (one) => {
        const by = one.getAttribute('aria-labelledby');
        if (by) return by.split(/\\s+/).map((id) => document.getElementById(id)?.textContent.trim() ?? '').join(' ').trim();
        const own = one.getAttribute('aria-label')?.trim();
        if (own) return own;
        if (one.labels?.length) {
            // Of a label, without what its own fields hold.
            const copies = [...one.labels].map((label) => label.cloneNode(true));
            for (const copy of copies) copy.querySelectorAll('select, input, textarea, [role=alert]').forEach((field) => field.remove());
            const text = copies.map((copy) => copy.textContent.replace(/\\s+/g, ' ').trim()).join(' ');
            if (text) return text;
        }
        if (['button', 'summary', 'a'].includes(one.localName) || one.getAttribute('role')) {
            const text = words(one);
            if (text) return text;
        }
        return one.getAttribute('title')?.trim() ?? '';
    };
    const roleOf = (one) => one.getAttribute('role') ?? { a: 'link', button: 'button', select: 'combobox', textarea: 'textbox', summary: 'button', canvas: '' , input: { checkbox: 'checkbox', radio: 'radio', range: 'slider', file: 'button', color: 'color' }[one.type] ?? 'textbox' }[one.localName] ?? '';
    // The same control has the same key after the page is built anew.
    const keyOf = (one) => {
        const data = Object.entries(one.dataset).filter(([name]) => name !== 'proof').map(([name, value]) => `${name}=${value}`).join();
        const own = one.id || one.name || data;
        const kind = one.localName + (one.type && one.localName === 'input' ? `:${one.type}` : '');
        if (own) return `${kind}#${own}`;
        const place = one.closest('[id]')?.id ?? 'body';
        // Of these there are as many as tokens, or as settings that were changed; they are alike.
        for (const name of ['chip', 'token']) if (one.matches(`.${name}`)) return `${kind}.${name} in ${place}`;
        const field = one.closest('.field')?.querySelector('[name]');
        if (field) return `${kind} beside ${field.name}`;
        // Some classes come and go while it is used.
        const names = (other) => [...other.classList].filter((name) => !['asks', 'pinned', 'guessed', 'wrong', 'silent'].includes(name)).join('.');
        const alike = [...document.querySelectorAll(kind.split(':')[0])].filter((other) => names(other) === names(one) && !other.id && (other.closest('[id]')?.id ?? 'body') === place);
        return `${kind}.${names(one)} in ${place}, ${alike.indexOf(one)}`;
    };
    globalThis.controls = { all: () => [...document.querySelectorAll(CONTROLS)].filter((one) => !one.closest('[inert]')), isSeen, nameOf, roleOf, keyOf };
})()"""

# Every drawer is opened, but the help, which lies over the page.
OPEN = """(document.querySelectorAll('details:not(.help)').forEach((one) => (one.open = true)),
    document.querySelectorAll('button[aria-expanded=false][aria-controls]').forEach((one) => one.click()))"""

ALL = """controls.all().map((one) => ({ key: controls.keyOf(one), name: controls.nameOf(one), role: controls.roleOf(one), kind: one.localName, type: one.type ?? '', isSeen: controls.isSeen(one), isDisabled: Boolean(one.disabled) || one.getAttribute('aria-disabled') === 'true', tabIndex: one.tabIndex }))"""


def found(browser):
    """Every control, with its key, its name and its role."""
    browser.run(FIND)
    return browser.run(ALL)


def pick(key):
    """A script that finds a control by its key."""
    return f"controls.all().find((one) => controls.keyOf(one) === {json.dumps(key)})"
