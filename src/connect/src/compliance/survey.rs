//! Discovering with the shapes of a sample.

use crate::compliance::{NewTable, Row, Subject, Verdict, place, row, session};
use crate::connector::Filter;
use crate::survey::{Sampling, survey};

/// Nobody's name, which nothing may repeat.
const NAME: &str = "Quetzalcoatl Unmentioned";

fn rows(count: usize) -> Vec<Row> {
    let one = |id: usize| row(&[&id.to_string(), NAME, "28402110110118"]);
    (1..=count).map(one).collect()
}

/// Every table is sampled, in few rows and without a value in what comes back; tables beyond the
/// limit are discovered all the same.
pub async fn survey_samples_without_values(subject: &dyn Subject) -> Verdict {
    let place = place(subject).await?;
    let columns = ["id#", "name", "nid"];
    let keyed = NewTable::new("persons", &columns, &["id"]);
    place.create(&keyed, &rows(40)).await;
    let keyless = NewTable::new("nothing", &["a#", "b", "c"], &[]);
    let keyless = if subject.features().keyless {
        keyless
    } else {
        NewTable::new("nothing", &["a#", "b", "c"], &["a"])
    };
    place.create(&keyless, &[]).await;
    let connector = subject.connector();
    let session = session(place.as_ref(), place.config());
    let sampling = Sampling {
        rows: 25,
        tables: 1,
        this_year: 2026,
    };
    let filter = Filter::default();
    let surveyed = survey(connector.as_ref(), &session, &filter, sampling, None)
        .await
        .expect("a place is surveyed");
    let sampled: Vec<bool> = surveyed.iter().map(|one| one.shapes.is_some()).collect();
    assert_eq!(
        sampled,
        [false, true],
        "the names of 'persons' promise more"
    );
    let shapes = surveyed[1].shapes.as_ref().expect("sampled");
    assert_eq!(shapes.rows, 25);
    let column = |name: &str| shapes.columns.iter().find(|column| column.name == name);
    let ids = column("nid").expect("a column of the table");
    assert_eq!((ids.values, ids.national_ids), (25, 25));
    assert!(column("id").expect("a column of the table").is_unique());
    let shown = format!("{surveyed:?}");
    assert!(
        !shown.contains(NAME) && !shown.contains("2840211"),
        "{shown}"
    );
    let sampling = Sampling {
        tables: 2,
        ..sampling
    };
    let surveyed = survey(connector.as_ref(), &session, &filter, sampling, None).await;
    let empty = surveyed.expect("a place is surveyed")[0].shapes.clone();
    assert_eq!(empty.map(|shapes| shapes.rows), Some(0));
    Ok(())
}
