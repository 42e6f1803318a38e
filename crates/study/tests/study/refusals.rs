//! What is refused, with the key.

use qkv_study::Study;

#[track_caller]
fn check(text: &str, fragments: &[&str]) {
    let message = match Study::parse(text).and_then(|study| study.runs()) {
        Ok(runs) => panic!("{} runs of {text}", runs.len()),
        Err(error) => error.to_string(),
    };
    for fragment in fragments {
        assert!(message.contains(fragment), "{message}\n{text}");
    }
}

#[test]
fn a_study_without_anything_to_vary() {
    check("[task]\nname = \"copy\"\n", &["[sweep]", "seed = [0, 1, 2]"]);
    check("[sweep]\n", &["[sweep]"]);
    check("[[case]]\n", &["[sweep]"]);
    check("sweep = 3\n", &["`sweep`", "got 3"]);
    check("case = 3\n", &["`case`", "got 3"]);
    check("case = [3]\n", &["`case`", "got 3"]);
    check("[[sweep]]\nseed = [0]\n", &["`sweep` must be a table, [sweep]", "got [{ seed = [0] }]"]);
    check("[case]\nseed = [0]\n", &["`case` must be tables, each after [[case]]", "got { seed = [0] }"]);
    check("a = 1\nb = [\n", &["not TOML at line"]);
    check("seed = 1\nseed = 2\n", &["not TOML at line 2", "duplicate"]);
    check("case = []\n", &["`case`", "got []"]);
}

#[test]
fn a_key_with_a_wrong_list() {
    check("[sweep]\nseed = 3\n", &["`seed` in [sweep] must be a list or a range", "got 3"]);
    check("[sweep.model]\nd_k = []\n", &["`model.d_k` has an empty list"]);
    check("[[case]]\nmodel.d_k = []\n", &["`model.d_k` has an empty list"]);
    check("[sweep]\nseed = [1, 2, 1]\n", &["`seed` has the value 1 twice"]);
    check("[sweep]\nmodel.x.draw = []\n", &["`model.x` has an empty list"]);
}

#[test]
fn a_key_that_varies_twice() {
    check("[sweep]\nmodel.d_k = [1]\n\"model.d_k\" = [2]\n", &["`model.d_k` varies twice"]);
    let text = "[sweep]\nmodel.d_k = [1, 2]\n[[case]]\nseed = 1\n[[case]]\nmodel.d_k = 3\n";
    check(text, &["`model.d_k` varies twice, in [sweep] and in a [[case]]"]);
}

#[test]
fn a_key_that_another_one_would_overwrite() {
    let text = |name: &str| {
        format!(
            "[sweep]\n{name} = [{{ name = \"copy\", seq_len = 3 }}, \"sort\"]\n\"{name}.seq_len\" = [5]\n"
        )
    };
    check(
        &text("task"),
        &["`task.seq_len` would overwrite what `task` has in { name = \"copy\", seq_len = 3 }"],
    );
    let of_a_case =
        "[sweep]\nseed = [1]\nx = { draw = [{ y = { z = 1 } }] }\n[[case]]\nx.y.z = 2\n[study]\ndraws = 1\n";
    check(of_a_case, &["`x.y.z` would overwrite what `x` has"]);
    // A choice that is written by its name alone has a name.
    let names = "[sweep]\ntask = [\"reverse\", \"copy\"]\n[[case]]\ntask.name = \"recall\"\n";
    check(names, &["`task.name` would overwrite what `task` has in \"reverse\""]);
    for (schedule, key) in [("\"linear\"", "kind"), ("\"linear\"", "name"), ("{ kind = \"linear\" }", "name")]
    {
        let text = format!("[sweep]\nschedule = [{schedule}]\n\"schedule.{key}\" = [\"cosine\"]\n");
        check(&text, &[&format!("`schedule.{key}` would overwrite what `schedule` has in {schedule}")]);
    }
    let of_a_part = "[sweep]\nmodel = [{ score = \"dot\" }]\n\"model.score.name\" = [\"additive\"]\n";
    check(of_a_part, &["`model.score.name` would overwrite what `model` has in { score = \"dot\" }"]);
    // The settings of what the other one names.
    let fits = "[sweep]\nmodel.score = [\"additive\", { name = \"general\" }]\n[[case]]\nmodel.score.d_hidden = [3, 4]\n";
    assert_eq!(Study::parse(fits).unwrap().runs().unwrap().len(), 4);
}

#[test]
fn a_wrong_range() {
    #[track_caller]
    fn range(range: &str, fragment: &str) {
        check(
            &format!("[sweep.model]\nd_k = {range}\n[study]\ndraws = 2\n"),
            &["`model.d_k` has a range", fragment],
        );
    }
    range("{ from = 1, to = 2 }", "exactly one of step, times, n and draw");
    range("{ from = 1, to = 2, n = 2, step = 1 }", "exactly one of step, times, n and draw");
    range("{ from = 2, to = 1, step = 1 }", "`from` must not be above `to`");
    range("{ from = 1, to = 2, step = 0 }", "`step` must be above 0");
    range("{ from = 1, to = 2, step = -1 }", "`step` must be above 0");
    range("{ from = 0.0, to = 1.0, step = 1e-9 }", "of 1000000001 values, of which at most 10000");
    range("{ from = 1, to = 1000000, step = 1 }", "of 1000000 values");
    range("{ from = 1, to = 2, step = 1e-300 }", "of 1e300 values");
    range(
        "{ draw = [1, 2], draws = 3 }",
        "beside which `draws` does not belong; it is one for all keys, in [study]",
    );
    range("{ from = 1, to = 2, times = 1 }", "`times` must be above 1");
    range("{ from = 0, to = 2, times = 2 }", "must begin above 0");
    range("{ from = 1, to = 1e300, times = 1.0000001 }", "of which at most 10000");
    range("{ from = 1, to = 2, n = 1 }", "at least 2");
    range("{ from = 1, to = 2, n = 2.5 }", "at least 2");
    range("{ from = 0, to = 1, n = 5 }", "2 whole numbers, fewer than its n; write `from = 0.0`");
    range(
        "{ from = 1, to = 8, n = 7, scale = \"log\" }",
        "6 whole numbers, fewer than its n; write `from = 1.0`",
    );
    range("{ from = 1, to = 100, n = 50, scale = \"log\" }", "34 whole numbers, fewer than its n");
    range("{ from = 3, to = 3, n = 2 }", "1 whole number, fewer than its n");
    range("{ from = 0.5, to = 0.5, n = 3 }", "with 1 different number, fewer than its n, got");
    range("{ from = 1, step = 1 }", "needs `to`");
    range("{ from = 1, to = 10000000000000000, n = 2 }", "at most 15 digits");
    range("{ from = 0, to = 2, n = 3, scale = \"log\" }", "above 0 to be logarithmic");
    range("{ from = 0, to = 2, draw = \"log\" }", "above 0 to be logarithmic");
    range("{ from = 1, to = 2, n = 3, scale = \"cubic\" }", "\"linear\" or \"log\"");
    range("{ from = 1, to = 2, draw = \"normal\" }", "\"uniform\" or \"log\"");
    range("{ from = 1, to = 2, step = 1, scale = \"log\" }", "`scale` belongs to n");
    range("{ from = \"a\", to = 2, step = 1 }", "`from` must be a finite number");
    range("{ from = 1, to = inf, step = 1 }", "`to` must be a finite number");
    range("{ from = nan, to = 1.0, step = 1 }", "`from` must be a finite number");
    range("{ from = 1, to = 2, stpe = 1 }", "not `stpe`");
}

#[test]
fn a_wrong_study_table() {
    let study = |line: &str| format!("[sweep]\nseed = [0]\n[study]\n{line}\n");
    check(&study("draws = 0"), &["`draws` in [study]", "at least 1", "got 0"]);
    check(&study("draws = 3"), &["`draws` in [study] is 3", "no key is drawn"]);
    check(&study("draw_seed = -1"), &["`draw_seed`", "got -1"]);
    check(&study("only = \"a\""), &["`only`", "a list of conditions"]);
    check(&study("only = [1]"), &["`only`", "a list of conditions"]);
    check(&study("drawz = 3"), &["unknown key `drawz`", "draws, draw_seed and only"]);
    check("study = 1\n[sweep]\nseed = [0]\n", &["`study`", "a table", "got 1"]);
    check("[sweep]\nx = { from = 0, to = 1, draw = \"uniform\" }\n", &["`x` is drawn", "`draws` in [study]"]);
}

#[test]
fn too_many_runs_are_counted_and_not_made() {
    let range = "{ from = 1, to = 1000, step = 1 }";
    let text = format!("[sweep]\na = {range}\nb = {range}\nc = [1, 2]\n");
    check(&text, &["2000000 runs", "at most 10000", "shorten `b`, which has 1000"]);
    let keys: String = (0..40).map(|index| format!("k{index} = {range}\n")).collect();
    check(&format!("[sweep]\n{keys}"), &["340282366920938463463374607431768211455 runs"]);
    let text = "[sweep]\nx = { from = 0, to = 1, draw = \"uniform\" }\n[study]\ndraws = 1000000\n";
    check(text, &["1000000 runs", "shorten `draws`, which has 1000000"]);
}
