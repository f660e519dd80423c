use rabt_model::Scheme;

use super::{ColumnShapes, List, Registry, ShapeCollector, TableShapes};
use crate::message::Cell;

const ROWS: [[&str; 6]; 6] = [
    [
        "1",
        "28402110110118",
        "محمد أحمد علي",
        "11/02/1984",
        "1",
        "01001234567",
    ],
    [
        "2",
        "29111301313522",
        "فاطمة محمود حسن",
        "30/11/1991",
        "2",
        "N/A",
    ],
    [
        "3",
        "27905031616918",
        "عبد الرحمن خالد",
        "03/05/1979",
        "1",
        "+201098765432",
    ],
    ["4", "28708192420324", "مارينا جرجس", "19/08/1987", "2", ""],
    [
        "5",
        "٢٨٧٠٨١٩٢٤٢٠٣٢٤",
        "مارينا جرجس",
        "00/00/0000",
        "2",
        "01223344556",
    ],
    [
        "6",
        "30207070223722",
        "إسراء عبد الله",
        "07/07/2002",
        "2",
        "01511223344",
    ],
];

fn collect(registry: Option<&dyn Registry>) -> TableShapes {
    let names = ["no", "nid", "name", "dob", "sex", "tel"].map(str::to_owned);
    let mut collector = ShapeCollector::new(&names, 2026, registry);
    for row in &ROWS {
        collector.push_row(row.iter().map(|text| Cell::Text(text)));
    }
    let shown = format!("{collector:?}");
    assert_eq!(shown, "ShapeCollector { columns: 6, rows: 6, .. }");
    collector.finish()
}

fn column(shapes: &TableShapes, name: &str) -> ColumnShapes {
    let found = shapes.columns.iter().find(|column| column.name == name);
    found.unwrap().clone()
}

#[test]
fn shapes_say_what_values_look_like() {
    let shapes = collect(None);
    let id = column(&shapes, "nid");
    assert_eq!((id.national_ids, id.arabic_digits, id.distinct), (6, 1, 5));
    assert_eq!(id.shapes[0].pattern, "9(14)");
    let name = column(&shapes, "name");
    assert_eq!(name.arabic, 6);
    assert!(name.names >= 10, "{}", name.names);
    let born = column(&shapes, "dob");
    assert_eq!((born.unknown, born.dates[0].values), (1, 5));
    assert_eq!(born.unknown_texts, ["00/00/0000"]);
    assert_eq!((born.dates[0].compared, born.dates[0].born), (5, 5));
    let phone = column(&shapes, "tel");
    assert_eq!((phone.phones, phone.unknown, phone.blank), (4, 1, 1));
    assert!(column(&shapes, "no").is_unique());
    assert_eq!(shapes.unique_pairs, [(0, 1), (0, 2)]);
}

#[test]
fn codes_are_known_by_list_and_by_the_national_id() {
    let sex = column(&collect(None), "sex");
    let used = sex
        .lists
        .iter()
        .find(|used| used.list == List::Sex)
        .unwrap();
    assert_eq!(
        (used.values, used.words.as_slice()),
        (6, ["1", "2"].as_slice())
    );
    assert!(sex.short_codes.is_empty(), "too few rows share a code");
}

#[test]
fn the_registry_is_asked_for_a_number_in_plain_digits() {
    struct One;
    impl Registry for One {
        fn knows(&self, scheme: &Scheme, number: &str) -> bool {
            scheme.as_str() == "national_id" && number == "28708192420324"
        }
    }
    assert_eq!(column(&collect(None), "nid").linked, None);
    assert_eq!(column(&collect(Some(&One)), "nid").linked, Some(2));
}

#[test]
fn no_value_comes_out() {
    let shapes = collect(None);
    let mut shown = format!("{shapes:?}");
    for column in &shapes.columns {
        shown.push_str(&column.to_string());
    }
    for row in ROWS {
        for text in row.iter().filter(|text| text.chars().count() > 3) {
            let is_filler = *text == "00/00/0000";
            assert!(is_filler || !shown.contains(text), "{text} in {shown}");
        }
    }
}

/// Returns what of a pattern is neither a class of characters nor a mark.
fn said(pattern: &str) -> String {
    let mut rest = pattern.to_owned();
    for word in ["arabic(", "latin(", "mixed(", "e-mail", "long text"] {
        rest = rest.replacen(word, "(", 1);
    }
    let mut inside = false;
    let is_said = |c: &char| {
        inside = *c == '(' || (inside && *c != ')');
        !inside && !matches!(c, '9' | 'A' | 'ع' | '?' | ' ') && !c.is_ascii_punctuation()
    };
    rest.chars().filter(is_said).collect()
}

proptest::proptest! {
    #[test]
    fn patterns_are_made_of_classes(cells in proptest::collection::vec(".{0,40}", 1..20)) {
        let mut collector = ShapeCollector::new(&["x".to_owned()], 2026, None);
        for cell in &cells {
            collector.push_row([Cell::Text(cell)]);
        }
        let shapes = collector.finish();
        for shape in &shapes.columns[0].shapes {
            proptest::prop_assert_eq!(said(&shape.pattern), "", "{}", shape.pattern);
        }
        for code in &shapes.columns[0].short_codes {
            proptest::prop_assert!(code.code.chars().count() <= 2 && code.values >= 5);
        }
    }
}
