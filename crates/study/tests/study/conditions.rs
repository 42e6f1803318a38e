//! Conditions between keys.

use qkv_study::{Study, StudyError};

const CONFIG: &str = "seed = 3\n[model]\nname = \"transformer\"\nd_model = 32\nd_k = 8\nn_heads = 4\nscale = true\n\
                      score = \"additive\"\n[schedule]\nkind = \"cosine\"\nlr = 1e-3\n[model.mask]\nname = \"causal\"\nwidth = 2\n";

fn admits(condition: &str) -> Result<bool, StudyError> {
    let text = format!("[sweep]\nseed = [0]\n[study]\nonly = ['{condition}']\n");
    Study::parse(&text)?.admits(&CONFIG.parse().unwrap())
}

#[test]
fn a_condition_compares_what_a_run_has() {
    #[track_caller]
    fn check(condition: &str, expected: bool) {
        assert_eq!(admits(condition).unwrap(), expected, "{condition}");
    }
    check("model.d_k <= model.d_model", true);
    check("model.d_k*model.n_heads==model.d_model", true);
    check("model.d_k * model.n_heads < model.d_model", false);
    check("model.d_k >= 8.0", true);
    check("model.d_k > 8", false);
    check("model.d_k != 8", false);
    check("2 * model.d_k == 16", true);
    check("schedule.lr == 0.001", true);
    check("schedule.lr < -1e3", false);
    check("model.scale == true", true);
    check("model.score == \"additive\"", true);
    check("model.score != \"scaled-dot\"", true);
    // A choice with settings is its name.
    check("model.mask == \"causal\"", true);
    check("schedule == \"cosine\"", true);
    check("model.mask.width == 2", true);
    check("model.d_k == 9 or seed == 3", true);
    check("model.d_k == 9 or seed == 4 or model.n_heads < 4", false);
}

#[test]
fn each_matrix_has_the_word_for_all_where_there_is_one() {
    #[track_caller]
    fn check(projections: &str, condition: &str, expected: bool) {
        let text = format!("[sweep]\nseed = [0]\n[study]\nonly = ['{condition}']\n");
        let config = format!("[model]\nprojections = {projections}\n").parse().unwrap();
        let admits = Study::parse(&text).unwrap().admits(&config).unwrap();
        assert_eq!(admits, expected, "{projections}: {condition}");
    }
    let (all, each) = ("\"frozen\"", "{ w_q = \"none\", w_k = \"frozen\", w_v = \"frozen\" }");
    check(all, "model.projections.w_q == \"frozen\"", true);
    check(each, "model.projections.w_q == \"frozen\"", false);
    check(each, "model.projections.w_k == model.projections.w_v", true);
    check(all, "model.projections == \"frozen\"", true);
    check(each, "model.projections == \"frozen\"", false);
    check(each, "\"frozen\" != model.projections", true);
}

#[test]
fn all_conditions_of_a_list_hold() {
    let text = "[sweep]\nseed = [0]\n[study]\nonly = ['seed == 3', 'model.d_k == 9']\n";
    assert!(!Study::parse(text).unwrap().admits(&CONFIG.parse().unwrap()).unwrap());
}

#[test]
fn the_order_of_conditions_and_of_their_comparisons_does_not_matter() {
    let config = CONFIG.parse().unwrap();
    // A key that only another choice has.
    for condition in ["schedule.period == 3 or seed == 3", "seed == 3 or schedule.period == 3"] {
        assert!(admits(condition).unwrap(), "{condition}");
    }
    for condition in ["schedule.period == 3 or seed == 4", "seed == 4 or schedule.period == 3"] {
        assert!(admits(condition).unwrap_err().to_string().contains("has `schedule.period`"), "{condition}");
    }
    for only in ["'seed == 4', 'schedule.period == 3'", "'schedule.period == 3', 'seed == 4'"] {
        let text = format!("[sweep]\nseed = [0]\n[study]\nonly = [{only}]\n");
        assert!(!Study::parse(&text).unwrap().admits(&config).unwrap(), "{only}");
    }
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_condition() {
    #[track_caller]
    fn check(condition: &str, fragment: &str) {
        let message = admits(condition).unwrap_err().to_string();
        assert!(message.contains(condition) && message.contains(fragment), "{message}");
    }
    check("model.d_q <= 3", "has `model.d_q`, which the config of a run lacks");
    check("model.score < 3", "different kinds");
    check("model.score.w_o == \"additive\"", "has `model.score.w_o`, which the config of a run lacks");
    check("model.score < \"b\"", "no order");
    check("model.score * 2 == 3", "is no number");
    check("model.d_k", "needs one of == != <= >= < >");
    check("model.d_k = 3", "compares with `=`, expected `==`");
    check("model.d_k ! 3", "cannot be read from `! 3` on");
    check("seed == 3 and model.d_k == 9", "has `and`; make it two conditions of the list");
    check(
        "model.score == additive",
        "has `additive`, which the config of a run lacks; a text needs double quotes",
    );
    check("model.d_k <= ", "lacks a key or a value on one side");
    check("<= 3", "lacks a key or a value on one side");
    check("2 3 == 3", "has `3` where `*` belongs");
    check("2 * * 3 == 3", "where a key or a value belongs");
    check("a == \"b", "without its closing quotation mark");
    check("seed == 3 or", "needs one of");
    check("seed == 1.2.3", "neither a key nor a number");
    check("seed == 1 == 1", "where `*` belongs");
}
