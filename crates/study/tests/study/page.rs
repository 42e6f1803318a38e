//! The page about studies and the study beside it.

use qkv_study::Study;

const PAGE: &str = include_str!("../../../../examples/STUDIES.md");
const FILE: &str = include_str!("../../../../examples/study.toml");

#[test]
fn the_page_shows_the_study_that_lies_beside_it() {
    let shown = PAGE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let [shown, file] = [shown, FILE].map(|text| Study::parse(text).unwrap());
    assert_eq!(shown.config(), file.config());
    shown.continues(&file).unwrap();
    file.continues(&shown).unwrap();
    // With the default that the cases without it have, the runs that the page counts.
    let admitted = |run: &&qkv_study::Combination| {
        let mut config = "model.projections = \"learned\"".parse().unwrap();
        config = run.over(&config);
        file.admits(&config).unwrap()
    };
    let runs = file.runs().unwrap();
    assert!(PAGE.contains(&format!("trains its {} runs", runs.iter().filter(admitted).count())));
    let named = "`model.d_k=4,model.positions=rope,optimizer.lr=0.00632169,seed=0`";
    assert!(PAGE.contains(named) && runs.iter().any(|run| format!("`{}`", run.folder_name()) == named));
}

#[test]
fn every_form_that_the_page_lists_has_the_values_beside_it() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `{ from")?.split_once("` | "));
    let (mut n_listed, mut n_drawn) = (0, 0);
    for (form, values) in rows {
        let form = form.split('`').next().unwrap();
        let draws = if form.contains("draw") { "[study]\ndraws = 1\n" } else { "" };
        let runs = Study::parse(&format!("[sweep]\nx = {{ from{form}\n{draws}")).unwrap().runs().unwrap();
        if draws.is_empty() {
            n_listed += 1;
            let first = values.split(',').next().unwrap().trim_end_matches(" |");
            let number = |text: &str| text.parse::<f64>().ok();
            let found = number(&runs[0].labels()[0][2..]).unwrap();
            assert!(number(first).is_none_or(|first| first == found), "{form}: {values}");
        } else {
            n_drawn += 1;
        }
        assert!(!runs.is_empty());
    }
    assert_eq!((n_listed, n_drawn), (4, 1));
}
