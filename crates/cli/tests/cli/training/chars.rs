//! A language model of a text, from the command line.

use crate::support::sandbox::Sandbox;

/// Rust's own words about ownership are long enough for a few steps.
const TEXT: &str = include_str!("chars.rs");
const FAST: &str =
    "--set task.seq_len=16 --set train.batch_size=4 --set train.eval_examples=10 --set model.d_model=16";

#[test]
fn the_end_compares_with_count_models_and_shows_a_sample() {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", TEXT);
    let line = format!("train chars --set task.text=text.txt --steps 3 --out run {FAST}");
    let run = sandbox.succeeds(&line);
    for fragment in ["bits per character", "unigram", "bigram", "trigram", "a sample:"] {
        assert!(run.stdout.contains(fragment), "{run:#?}");
    }
    let events = sandbox.metrics("run");
    let done = events.last().unwrap();
    assert_eq!(done["sample"].as_str().unwrap().chars().count(), 200);
    let config = sandbox.read_text("run/checkpoints/step-00000003/config.json");
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let vocabulary = config["vocabulary"].as_array().unwrap();
    assert!(vocabulary.contains(&"\u{2423}".into()) && vocabulary.contains(&"\\n".into()), "{vocabulary:?}");
    let losses: Vec<f64> =
        done["baselines"].as_array().unwrap().iter().map(|b| b["loss"].as_f64().unwrap()).collect();
    assert!(losses[0] > losses[1] && losses[1] > losses[2], "{losses:?}");
}

#[test]
fn a_model_that_memorises_its_text_is_told_from_one_that_learns() {
    let sandbox = Sandbox::new();
    // Far fewer characters than parameters.
    let text: String = TEXT.chars().take(1200).collect();
    sandbox.write("text.txt", text);
    let line = "train chars --set task.text=text.txt --set task.seq_len=16 --set model.d_model=32 --set model.d_mlp=64 \
                --set train.batch_size=16 --set train.eval_every=20 --set schedule.warmup_steps=10";
    let sentence = "it memorised its text: held-out loss rose after step ";
    let memorised = sandbox.succeeds(&format!("{line} --steps 400 --out memorised"));
    let generalization = |run: &str| sandbox.metrics(run).last().unwrap()["generalization"].clone();
    let found = generalization("memorised");
    let number = |key: &str| found[key].as_f64().unwrap();
    assert_eq!((found["unit"].as_str(), number("step")), (Some("character"), 400.0));
    assert!(number("best_step") < 400.0 && number("loss") > 1.1 * number("best_loss"), "{found}");
    assert!(number("training_loss") < 0.5 * number("best_loss"), "{found}");
    assert!(memorised.stdout.contains(&format!("{sentence}{}", number("best_step"))), "{memorised:#?}");
    assert!(number("training_loss") < number("training_loss_at_best"), "{found}");
    let names = ["unigram", "bigram", "trigram"];
    let baselines = found["baselines"].as_array().unwrap();
    assert_eq!(
        baselines.iter().map(|baseline| baseline["name"].as_str().unwrap()).collect::<Vec<_>>(),
        names
    );
    for baseline in baselines {
        let (name, loss) = (baseline["name"].as_str().unwrap(), baseline["loss"].as_f64().unwrap());
        let row = format!("  {:<22} {loss:>9.4} ", format!("held out, {name}"));
        assert!(memorised.stdout.contains(&row), "no `{row}` in {memorised:#?}");
    }
    for row in ["lowest, step ", "held out, step 400", "training, step 400"] {
        assert!(memorised.stdout.contains(row), "{memorised:#?}");
    }
    sandbox.succeeds("report memorised --out page.html");
    let page = sandbox.read_text("page.html");
    assert!(page.contains("The model memorised its text: held-out bits per character were lowest at step"));
    assert!(page.contains("The best count model, ") && page.contains(" on the same split."));
    let short = sandbox.succeeds(&format!("{line} --steps 20 --out short"));
    assert!(!short.stdout.contains("memorised") && short.stdout.contains("held out, step 20"), "{short:#?}");
    assert_eq!(generalization("short")["best_step"], 20);
    // A task without a text has nothing to memorise.
    sandbox.succeeds("train reverse --steps 2 --quiet --out reverse");
    assert_eq!(generalization("reverse"), serde_json::Value::Null);
}

#[test]
fn the_final_figures_of_a_long_text_are_those_of_a_part_of_it() {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", TEXT.repeat(400_000 / TEXT.len()));
    let line =
        format!("train chars --set task.text=text.txt --steps 1 --out run {FAST} --set task.seq_len=4");
    let run = sandbox.succeeds(&line);
    let figures = run.stdout.lines().find(|line| line.starts_with("on ")).unwrap();
    assert!(figures.starts_with("on 10,000 of 1") && figures.contains(" examples after 1 step"), "{figures}");
    assert_eq!(sandbox.metrics("run").last().unwrap()["examples"], 10_000);
    let eval = sandbox.succeeds("eval run --examples 7");
    assert!(
        eval.stdout.contains(" on 7 of 1") && eval.stdout.contains(" test examples, step 1"),
        "{eval:#?}"
    );
}

#[test]
fn a_run_knows_its_text_and_refuses_another() {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", TEXT);
    sandbox.succeeds(&format!("train chars --set task.text=text.txt --steps 3 --out run --quiet {FAST}"));
    sandbox.succeeds("eval run --examples 3");
    sandbox.write("text.txt", TEXT.replace("the", "teh"));
    sandbox.refuses("eval run --examples 3", &["has changed", "name it with --set task.text=FILE"]);
    sandbox.succeeds("inspect run");
    sandbox.write("study.toml", "[task]\nname = \"chars\"\ntext = \"moved.txt\"\n[sweep]\nseed = [1, 2]\n");
    sandbox.refuses("sweep study.toml", &["cannot read the text moved.txt", "with --set task.text=FILE"]);
}

#[test]
fn without_a_text_the_task_names_the_setting() {
    Sandbox::new().refuses("train chars", &["--set task.text=FILE"]);
    let tasks = Sandbox::new().succeeds("tasks");
    assert!(tasks.stdout.contains("--set task.text=FILE"), "{tasks:#?}");
}

/// The commands that read the text of a run.
const READERS: [&str; 5] = [
    "train run --resume --quiet",
    "eval run --examples 3",
    "explain run",
    "ablate run --examples 3",
    "sample run --prompt the",
];

#[test]
fn a_chars_run_moved_together_with_its_text_is_accepted_by_every_command() {
    let sandbox = Sandbox::new();
    sandbox.write("before/text.txt", TEXT);
    let line =
        format!("train chars --set task.text=before/text.txt --steps 3 --out before/run --quiet {FAST}");
    sandbox.succeeds(&format!("{line} --stop-after 2"));
    std::fs::rename(sandbox.path("before"), sandbox.path("after")).unwrap();
    std::fs::rename(sandbox.path("after/run"), sandbox.path("run")).unwrap();
    let moved = "if the text was moved, name where it is now with --set task.text=FILE";
    for command in READERS.into_iter().chain(["train run --branch new --steps 4"]) {
        sandbox.refuses(command, &["cannot read the text", "before/text.txt", moved]);
    }
    sandbox.write("other.txt", TEXT.replace("the", "teh"));
    for command in READERS.into_iter().chain(["inspect run", "report run"]) {
        let another = format!("{command} --set task.text=other.txt");
        sandbox.refuses(&another, &["has changed", "the text of fingerprint", "this one has"]);
    }
    for command in READERS.into_iter().chain(["inspect run", "report run"]) {
        sandbox.succeeds(&format!("{command} --set task.text=after/text.txt"));
    }
    // The resumed run has written the place down.
    sandbox.succeeds("eval run --examples 3");
    sandbox.refuses("eval run --set optimizer.lr=1", &["optimizer.lr was", "now it is 1"]);
    // And so has one that had come to its end.
    std::fs::rename(sandbox.path("after"), sandbox.path("later")).unwrap();
    let resumed = sandbox.succeeds("train run --resume --quiet --set task.text=later/text.txt");
    assert!(resumed.stderr.contains("later/text.txt\": written into run/config.toml"), "{resumed:#?}");
    sandbox.succeeds("eval run --examples 3");
}

#[test]
#[cfg(unix)]
fn a_text_is_the_same_through_a_link_and_as_another_task_line() {
    let sandbox = Sandbox::new();
    sandbox.write("texts/text.txt", TEXT);
    std::os::unix::fs::symlink(sandbox.path("texts"), sandbox.path("link")).unwrap();
    let line = |text: &str| format!("train chars --set task.text={text} --steps 3 --out run --quiet {FAST}");
    sandbox.succeeds(&format!("{} --stop-after 2", line("texts/text.txt")));
    sandbox.succeeds(&format!("{} --resume", line("link/text.txt")));
    sandbox.write("other.txt", TEXT.replace("the", "teh"));
    sandbox.refuses(&format!("{} --resume", line("other.txt")), &["task.fingerprint was"]);
}
