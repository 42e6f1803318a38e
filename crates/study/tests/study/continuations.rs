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
        "`lr` was [{ from = 0.1, to = 1.0, draw = \"log\" }], now it is [{ from = 0.1, to = 2.0, draw = \"log\" }]",
    );
    check("\"dot\"", "\"additive\"", "`score` was [\"dot\"], now it is [\"additive\"]");
}

#[test]
fn a_draw_of_whole_numbers_is_none_of_fractions() {
    let study = |from: &str| {
        let text =
            format!("[sweep]\nx = {{ from = {from}, to = 3, draw = \"uniform\" }}\n[study]\ndraws = 2\n");
        Study::parse(&text).unwrap()
    };
    let error = study("1.0").continues(&study("1")).unwrap_err().to_string();
    let expected = "`x` was [{ from = 1, to = 3, draw = \"uniform\" }], now it is [{ from = 1.0, to = 3.0, draw = \"uniform\" }]";
    assert_eq!(error, expected);
    let study = |first: u64| {
        Study::parse(&format!("[sweep]\nx = {{ draw = [{first}, 5] }}\n[study]\ndraws = 2\n")).unwrap()
    };
    let error = study(2).continues(&study(1)).unwrap_err().to_string();
    assert_eq!(error, "`x` was [{ draw = [1, 5] }], now it is [{ draw = [2, 5] }]");
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
