//! Every row of the requirement list that this product covers, and every defect it is not to have, is named by a test, or
//! excused in `README.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Group of rows, such as `005-US1-AC`, and how many there are. 005 and 019 whole; of 020 all but the page; the defects H1 to
/// H62.
const GROUPS: [(&str, usize); 27] = [
    ("005-US1-AC", 4),
    ("005-US2-AC", 5),
    ("005-US3-AC", 4),
    ("005-US4-AC", 4),
    ("005-US5-AC", 3),
    ("005-EC", 5),
    ("005-FR-", 12),
    ("005-SC-", 6),
    ("019-US1-AC", 4),
    ("019-US2-AC", 4),
    ("019-US3-AC", 3),
    ("019-US4-AC", 3),
    ("019-EC", 4),
    ("019-FR-", 10),
    ("019-NFR-", 4),
    ("019-SC-", 5),
    ("020-US1-AC", 4),
    ("020-US2-AC", 4),
    ("020-EC", 6),
    ("020-US3-AC", 4),
    ("020-US4-AC", 4),
    ("020-US5-AC", 3),
    ("020-US6-AC", 4),
    ("020-FR-", 21),
    ("020-NFR-", 6),
    ("020-SC-", 6),
    ("H", 62),
];

fn rows() -> BTreeSet<String> {
    let row = |group: &str, number: usize| {
        if group.ends_with('-') { format!("{group}{number:03}") } else { format!("{group}{number}") }
    };
    GROUPS.iter().flat_map(|(group, count)| (1..=*count).map(move |number| row(group, number))).collect()
}

/// The words of a test's name that name rows: `r005_us1_ac3`, `r019_fr_004`, `h16`.
fn rows_in_name(name: &str) -> BTreeSet<String> {
    let prefixes = ["r005_", "r019_", "r020_"];
    let starts = prefixes.iter().flat_map(|prefix| name.match_indices(prefix)).map(|(start, _)| start + 1);
    starts.filter_map(|start| row_at(&name[start..])).chain(defects_in_name(name)).collect()
}

/// `h16_r019_us2_ac3_h33_over_h2_…` is about H16 and H33: a defect stands at the beginning, or behind a row.
fn defects_in_name(name: &str) -> Vec<String> {
    let mut is_behind_a_row = true;
    let mut defects = Vec::new();
    for word in name.split('_') {
        if is_behind_a_row && let Some(Ok(number)) = word.strip_prefix('h').map(str::parse::<usize>) {
            defects.push(format!("H{number}"));
        }
        is_behind_a_row = word.ends_with(|last: char| last.is_ascii_digit());
    }
    defects
}

/// `005_us1_ac3_prefix_…` becomes `005-US1-AC3`.
fn row_at(text: &str) -> Option<String> {
    let mut words = text.split('_');
    let (specification, kind) = (words.next()?, words.next()?);
    let number = words.next().unwrap_or_default();
    let row = match kind {
        "fr" | "nfr" | "sc" => format!("{specification}-{kind}-{number}"),
        story if story.starts_with("us") => format!("{specification}-{story}-{number}"),
        edge_case => format!("{specification}-{edge_case}"),
    };
    Some(row.to_uppercase())
}

fn rows_named_below(folder: &Path, named: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rows_named_below(&path, named);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            let text = fs::read_to_string(&path).unwrap();
            let functions =
                text.lines().filter_map(|line| line.split_once("fn ").or(line.split_once("def ")));
            functions
                .for_each(|(_, name)| named.extend(rows_in_name(name.split('(').next().unwrap_or_default())));
        }
    }
}

fn rows_excused(readme: &str) -> BTreeSet<String> {
    let cells = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let is_row =
        |cell: &&str| cell.starts_with(['0', 'H']) && cell.ends_with(|last: char| last.is_ascii_digit());
    cells.filter(is_row).map(str::to_owned).collect()
}

#[test]
fn every_row_is_named_by_a_test_or_excused() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = BTreeSet::new();
    for folder in ["it", "python", "../crates"] {
        rows_named_below(&tests.join(folder), &mut named);
    }
    let excused = rows_excused(&fs::read_to_string(tests.join("README.md")).unwrap());
    let missing: Vec<_> =
        rows().into_iter().filter(|row| !named.contains(row) && !excused.contains(row)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}, and README.md does not say why");
    let both: Vec<_> = excused.intersection(&named).collect();
    assert!(both.is_empty(), "README.md excuses {both:?}, which a test names");
    let unknown: Vec<_> = excused.difference(&rows()).cloned().collect();
    assert!(unknown.is_empty(), "README.md excuses {unknown:?}, which are no rows");
}

#[test]
fn names_are_read_as_rows() {
    let rows = rows_in_name("r005_us1_ac3_r019_fr_004_r020_ec2_prefix_is_replaced");
    assert_eq!(rows.into_iter().collect::<Vec<_>>(), ["005-US1-AC3", "019-FR-004", "020-EC2"]);
    let defects = rows_in_name("h16_r019_us2_ac3_h33_a_request_over_h2_passes");
    assert_eq!(defects.into_iter().collect::<Vec<_>>(), ["019-US2-AC3", "H16", "H33"]);
}
