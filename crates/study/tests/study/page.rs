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

/// The values that a row of the page shows: `4, 8, 16, … 512` are the first three and the last one.
fn check_values(shown: &str, found: &[f64]) {
    let (first, last) = shown.split_once('…').map_or((shown, None), |(first, last)| (first, Some(last)));
    let number = |text: &str| text.trim().parse::<f64>().unwrap_or_else(|_| panic!("{text} in {shown}"));
    let first: Vec<f64> = first.split(',').filter(|text| !text.trim().is_empty()).map(number).collect();
    assert_eq!(found[..first.len()], first, "{shown}");
    match last {
        Some(last) => assert_eq!(found.last(), Some(&number(last)), "{shown}"),
        None => assert_eq!(found.len(), first.len(), "{shown}"),
    }
}

#[test]
fn every_form_that_the_page_lists_has_the_values_beside_it() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `{ ")?.split_once("` | "));
    let (mut n_listed, mut n_drawn) = (0, 0);
    for (form, values) in rows {
        let form = form.split('`').next().unwrap();
        let draws = if form.contains("draw") { "[study]\ndraws = 1\n" } else { "" };
        let runs = Study::parse(&format!("[sweep]\nx = {{ {form}\n{draws}")).unwrap().runs().unwrap();
        let found: Vec<&toml::Value> = runs.iter().map(|run| &run.settings()[0].1).collect();
        if draws.is_empty() {
            n_listed += 1;
            let number = |value: &&toml::Value| {
                value.as_float().or(value.as_integer().map(|whole| whole as f64)).unwrap()
            };
            check_values(values.trim_end_matches(" |"), &found.iter().map(number).collect::<Vec<_>>());
        } else {
            n_drawn += 1;
            assert_eq!(found.len(), 1, "{form}");
        }
    }
    assert_eq!((n_listed, n_drawn), (4, 2));
}
