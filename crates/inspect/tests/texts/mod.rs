//! Texts of the pages: what a reader sees stands in the table, and what stands there is seen.
//!
//! The rule and its form are written at the top of `templates/script/texts.js`. Pages of compared runs have no table yet.

mod script;
mod template;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use script::{Literal, literals};
use template::visible;

/// Scripts of the comparison of runs alone.
const OF_RUNS: [&str; 7] =
    ["choices.js", "over_steps.js", "pairs.js", "parallel.js", "phase.js", "runs.js", "spread.js"];
/// What has no reader: the worker talks to the page.
const IN_WORKER: [&str; 3] = ["group.js", "session.js", "worker.js"];

fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")
}

/// Every script of the film and of the live page, by its path in `script`.
fn scripts() -> Vec<(String, String)> {
    let root = templates().join("script");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let isnt_shown = OF_RUNS.contains(&&*name) || IN_WORKER.contains(&&*name);
            if path.extension().is_some_and(|extension| extension == "js") && !isnt_shown {
                let short = path.strip_prefix(&root).unwrap().display().to_string();
                found.push((short, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 60, "{}", found.len());
    found
}

fn html() -> Vec<(&'static str, String)> {
    let read = |name| (name, fs::read_to_string(templates().join(name)).unwrap());
    ["document.html", "page.html", "film.html", "playground.html"].map(read).into()
}

fn is_table(script: &str) -> bool {
    script.ends_with("texts.js")
}

/// The keys of a table: its strings and names before a colon.
fn keys(of_live: bool) -> BTreeSet<String> {
    let tables = scripts().into_iter().filter(|(name, _)| is_table(name));
    let tables = tables.filter(|(name, _)| of_live || !name.starts_with("live"));
    tables.flat_map(|(_, table)| script::keys(&table)).collect()
}

/// What asks for texts of a page: its scripts and its templates.
fn asking(of_live: bool) -> Vec<(String, Vec<Literal>, BTreeSet<String>)> {
    let isnt_here = |name: &str| is_table(name) || name.starts_with(if of_live { "film" } else { "live/" });
    let scripts = scripts().into_iter().filter(|(name, _)| !isnt_here(name));
    let scripts = scripts.map(|(name, text)| {
        let literals = literals(&text);
        let said = literals.iter().filter(|literal| literal.is_said()).map(|literal| literal.text.clone());
        let said = said.collect();
        (name, literals, said)
    });
    let pages = html().into_iter().filter(|(name, _)| {
        !matches!((*name, of_live), ("playground.html", false) | ("film.html" | "page.html", true))
    });
    let pages = pages.map(|(name, text)| (name.to_owned(), Vec::new(), template::keys(&text)));
    scripts.chain(pages).collect()
}

#[test]
fn every_visible_text_of_a_template_is_named() {
    let found: Vec<String> = html()
        .iter()
        .flat_map(|(name, text)| visible(text).into_iter().map(move |text| format!("{name}: {text}")))
        .collect();
    assert!(found.is_empty(), "these texts belong into script/texts.js or live/texts.js: {found:#?}");
}

#[test]
fn no_script_has_a_sentence_of_its_own() {
    let scripts = scripts();
    let with_text = scripts.iter().filter(|(name, _)| !is_table(name));
    let found: Vec<String> = with_text
        .flat_map(|(name, script)| {
            let sentences = literals(script).into_iter().filter(Literal::is_sentence);
            sentences.map(move |literal| format!("{name}:{}: {}", literal.line, literal.text))
        })
        .collect();
    assert!(found.is_empty(), "these texts belong into script/texts.js or live/texts.js: {found:#?}");
}

#[test]
fn every_key_that_is_asked_for_is_in_the_table() {
    for of_live in [false, true] {
        let keys = keys(of_live);
        for (name, _, said) in asking(of_live) {
            for asked in said {
                let is_there = match asked.contains("${") {
                    true => keys.iter().any(|key| script::fits(&asked, key)),
                    false => keys.contains(&asked),
                };
                assert!(is_there, "{name} asks for `{asked}`, which no table of its page has");
            }
        }
    }
}

#[test]
fn every_key_of_the_table_is_asked_for() {
    let all: Vec<_> = asking(false).into_iter().chain(asking(true)).collect();
    // Those that a page is made with.
    let in_rust: Vec<Literal> = literals(include_str!("../../src/film/page/tables.rs"))
        .into_iter()
        .filter(|one| one.before.ends_with("Text::of("))
        .collect();
    let is_used = |key: &String| {
        all.iter().any(|(_, literals, said)| {
            said.contains(key) || literals.iter().any(|literal| literal.stands_for(key))
        }) || in_rust.iter().any(|literal| literal.text == *key)
    };
    let unused: Vec<String> = keys(true).into_iter().filter(|key| !is_used(key)).collect();
    assert!(unused.is_empty(), "nothing shows these texts: {unused:?}");
}

/// The tests above find what they look for.
#[test]
fn texts_outside_of_the_table_are_found() {
    let template =
        "<p data-text=\"a\"></p><i translate=\"no\">rope</i><b>{{ x }} words</b><u aria-label=\"More\">?</u>";
    assert_eq!(visible(template), ["words", "More"]);
    assert_eq!(visible("<label>Task <select id=\"a\"><option>?</option></select></label>"), ["Task"]);
    assert_eq!(
        template::keys("<p data-text=\"a\" data-label=\"b\">{{ self.text(\"c\") }}</p>"),
        ["a", "b", "c"].map(str::to_owned).into()
    );
    let sentences = |script: &str| -> Vec<String> {
        literals(script).into_iter().filter(Literal::is_sentence).map(|literal| literal.text).collect()
    };
    assert_eq!(
        sentences("f(\"two words\"); // \"in a comment\"\nmake(\"p\", { class: \"a plain one\" }, \"Word\")"),
        ["two words", "Word"]
    );
    assert_eq!(sentences("x.textContent = `${n} runs`; y = /\"not one\"/.test(z)"), ["${n} runs"]);
    assert_eq!(sentences("say(a === \"bbb ccc\" ? \"d\" : `e.${f(\"g\")}`)"), ["bbb ccc"]);
    let said = |script: &str| -> Vec<String> {
        literals(script).into_iter().filter(Literal::is_said).map(|literal| literal.text).collect()
    };
    assert_eq!(
        said("say(a === \"b\" ? \"d\" : `e.${f(\"g\")}`, { key: \"h\" }); i(\"j\")"),
        ["d", "e.${f(\"g\")}"]
    );
    assert!(script::fits("e.${f(\"g\")}.z", "e.x.z") && !script::fits("e.${f}.z", "e.x.y"));
    assert_eq!(script::keys("const T = {\n  a: \"b: c\", \"d.e\": \"f\",\n};"), ["a", "d.e"]);
}
