//! Whatever a database is called and holds, what is proposed can be loaded.

use proptest::prelude::*;

use super::{BOTH, agency};
use crate::connector::{ColumnInfo, Table};
use crate::manifest::AgencyFolder;
use crate::message::Cell;
use crate::propose::propose;
use crate::shape::ShapeCollector;
use crate::survey::Surveyed;

fn name() -> impl Strategy<Value = String> {
    let words = [
        "name",
        "NID",
        "birth",
        "date",
        "sex",
        "الاسم",
        "رقم",
        "قومي",
        "ميلاد",
        "gov",
        "phone",
        "father",
        "mother",
        "\"",
        "\\",
        "\n",
        "]",
        "1",
        "year",
        "address",
        "passport",
        "tax",
        "updated",
        "last",
    ];
    let word = prop_oneof![
        4 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => "\\PC{1,4}",
    ];
    proptest::collection::vec(word, 1..4).prop_map(|words| words.join("_"))
}

fn cell() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some(String::new())),
        "[0-9]{1,14}".prop_map(Some),
        "[23][0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9])(0[1-4]|21)[0-9]{5}".prop_map(Some),
        "(0[1-9]|[12][0-9])/(0[1-9]|1[0-2])/(19[0-9]{2}|14[0-4][0-9])".prop_map(Some),
        "(محمد|أحمد|علي|سعيد)( (محمد|حسن|خالد)){0,3}".prop_map(Some),
        "[MF12ذث]".prop_map(Some),
        "01[0125][0-9]{8}".prop_map(Some),
        "\\PC{0,12}".prop_map(Some),
        ".{0,6}".prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_folder_loads(
        table in name(),
        columns in proptest::collection::btree_set(name(), 1..8),
        rows in proptest::collection::vec(proptest::collection::vec(cell(), 8), 0..40),
    ) {
        let names: Vec<String> = columns.into_iter().collect();
        let mut collector = ShapeCollector::new(&names, 2026, None);
        for row in &rows {
            let cells = row.iter().take(names.len());
            collector.push_row(cells.map(|cell| cell.as_deref().map_or(Cell::Null, Cell::Text)));
        }
        let column = |name: &String| ColumnInfo {
            name: name.clone(),
            declared_type: String::new(),
            nullable: true,
        };
        let surveyed = Surveyed {
            table: Table {
                schema: Some("public".to_owned()),
                name: table,
                columns: names.iter().map(column).collect(),
                key: Vec::new(),
                estimated_rows: None,
            },
            shapes: Some(collector.finish()),
            refused: None,
        };
        let proposal = propose(std::slice::from_ref(&surveyed), BOTH);
        prop_assert_eq!(&proposal, &propose(&[surveyed], BOTH));
        let Some(folder) = proposal.to_folder(&agency()) else {
            return Ok(());
        };
        let loaded = AgencyFolder::load(&folder.files());
        prop_assert!(loaded.is_ok(), "{}\n{}\n{}", loaded.unwrap_err(), folder.manifest, folder.mapping);
    }
}
