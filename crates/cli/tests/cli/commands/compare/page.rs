//! The page of `compare`, and the file that it is written to.

use super::{run, study};

#[test]
fn the_page_has_every_setting_and_leads_to_the_pages_of_the_runs() {
    let sandbox = study();
    sandbox.succeeds(&format!("report {}", run(2, 1)));
    sandbox.succeeds("train sort --steps 9 --stop-after 3 --quiet --out runs/study/stopped");
    let table = sandbox.succeeds("compare runs/study --out page.html").stdout;
    assert!(
        table.contains("\n\n") && table.trim_end().ends_with("kB: open page.html in a browser"),
        "{table}"
    );
    let page = sandbox.read_text("page.html");
    for text in [
        "<h1>study</h1>",
        "4 runs of 2 settings: what differs is model.n_heads (1, 2).",
        "href=\"runs/study/model.n_heads%3D2%2Cseed%3D1/report.html\"",
        "Left out: 1 run; ",
        "it is not finished: step 3 of 9",
    ] {
        assert!(page.contains(text), "no `{text}`");
    }
    assert_eq!(page.matches("href=").count(), 1 + usize::from(page.contains("Best run of reverse: <a")));
    // Of the same runs the same page, whatever is printed.
    let quiet = sandbox.succeeds("compare study.toml --csv --out again.html");
    assert_eq!(quiet.stdout.lines().count(), 3);
    assert_eq!(sandbox.read_text("again.html"), page);
    sandbox.refuses("compare runs/study --out runs", &["--out runs is a folder; name a file"]);
    // A page is written again, and into a file that is empty; nothing else is lost to one.
    sandbox.write("thesis.html", "<!DOCTYPE html><h1>my thesis</h1>");
    for path in
        ["study.toml", "runs/study/study.toml", "thesis.html", &format!("{}/metrics.jsonl", run(1, 0))]
    {
        let before = sandbox.read(path);
        sandbox.refuses(&format!("compare runs/study --out {path}"), &["something else than a page", path]);
        assert_eq!(sandbox.read(path), before);
    }
    sandbox.write("empty.html", "");
    // Versions before named no generator.
    sandbox.write("older.html", page.replace("<meta name=\"generator\" content=\"qkv\">\n", ""));
    for path in ["empty.html", "older.html", "again.html"] {
        sandbox.succeeds(&format!("compare runs/study --out {path}"));
        assert_eq!(sandbox.read_text(path), page);
    }
    let nowhere = ["--out nowhere/page.html: the folder nowhere does not exist", "name a file in another"];
    sandbox.refuses("compare runs/study --out nowhere/page.html", &nowhere);
    // Before the runs are read.
    sandbox.refuses("compare nothing --out nowhere/page.html", &nowhere);
}

#[cfg(unix)]
#[test]
fn a_page_that_cannot_be_written_leaves_the_one_before() {
    use std::fs::symlink_metadata;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use crate::support::sandbox::Finished;

    let sandbox = study();
    sandbox.succeeds("compare runs/study --out page.html");
    symlink("page.html", sandbox.path("link.html")).unwrap();
    let before = sandbox.tree(".");
    let within = |limit: &str, line: &str| -> Finished {
        let limited = format!("ulimit -f {limit} && exec \"$0\" {line}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &limited, env!("CARGO_BIN_EXE_qkv")]).current_dir(sandbox.path("."));
        shell.output().unwrap().into()
    };
    for path in ["page.html", "link.html", "new.html"] {
        // In units of 512 or of 1024 bytes.
        let failed = within("8", &format!("compare runs/study --out {path}"));
        assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""), "{failed:?}");
        assert!(failed.stderr.contains(&format!("cannot write {path}")), "{failed:?}");
        assert!(sandbox.tree(".") == before, "{path} is lost, or something is left");
    }
    // A link still leads to its page, and what is no file is written to.
    sandbox.write("page.html", "");
    sandbox.succeeds("compare runs/study --out link.html");
    assert!(symlink_metadata(sandbox.path("link.html")).unwrap().is_symlink());
    assert!(sandbox.tree(".") == before);
    let printed = sandbox.succeeds("compare runs/study --csv --out /dev/stdout").stdout;
    assert!(printed.starts_with("<!DOCTYPE html>") && printed.contains("</html>"), "{printed}");
}
