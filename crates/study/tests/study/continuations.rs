//! Whether a study goes on with an earlier one.

use qkv_study::Study;

const EARLIER: &str = "[sweep]\nseed = [0, 1]\nlr = { from = 0.1, to = 1.0, draw = \"log\" }\n[[case]]\nscore = \"dot\"\n\
                       [study]\ndraws = 3\nonly = [\"seed < 9\"]\n";

/// What a study with `text` in place of a part of the earlier one differs in.
#[track_caller]
fn check(part: &str, text: &str, expected: &str) {
    assert!(EARLIER.contains(part));
    let [earlier, now] =
        [EARLIER.to_owned(), EARLIER.replacen(part, text, 1)].map(|text| Study::parse(&text).unwrap());
    let found = now.continues(&earlier).map_or_else(|error| error.to_string(), |()| String::new());
    assert_eq!(found, expected);
}

#[test]
fn values_cases_and_draws_may_be_added_and_conditions_may_go() {
    check("seed", "seed", "");
    check("[0, 1]", "[2, 1, 0]", "");
    check("[0, 1]", "{ from = 0, to = 4, step = 1 }", "");
    check("draws = 3", "draws = 4", "");
    check("only = [\"seed < 9\"]", "", "");
    check(
        "[study]",
        "[[case]]\nscore = \"additive\"\nsoftcap = 1.0\n[study]",
        "`softcap` was not varied, now it is [1.0]",
    );
    check("[study]", "[[case]]\nscore = \"additive\"\n[study]", "");
}

#[test]
fn what_takes_runs_away_is_named() {
    check("[0, 1]", "[1, 2]", "`seed` was [0, 1], now it is [1, 2]");
    check("seed = [0, 1]\n", "", "`seed` was [0, 1], now it is not varied");
    check("draws = 3", "draws = 2", "`draws` was 3, now it is 2");
    check("draws = 3", "draws = 3\ndraw_seed = 1", "`draw_seed` was 0, now it is 1");
    check("9\"", "8\"", "`only` was [\"seed < 9\"], now it is [\"seed < 8\"]");
    check(
        "1.0",
        "2.0",
        "`lr` was [drawn between 0.1 and 1.0 (Log)], now it is [drawn between 0.1 and 2.0 (Log)]",
    );
    check("\"dot\"", "\"additive\"", "`score` was [\"dot\"], now it is [\"additive\"]");
}

#[test]
fn cases_that_share_their_values_otherwise_are_another_study() {
    let cases = |first: u64, second: u64| {
        let text = format!(
            "[[case]]\nscore = \"dot\"\nseed = {first}\n[[case]]\nscore = \"additive\"\nseed = {second}\n"
        );
        Study::parse(&text).unwrap()
    };
    let error = cases(2, 1).continues(&cases(1, 2)).unwrap_err().to_string();
    assert_eq!(error, "`case` was such that a run has score=dot seed=1, now it is without it");
}
