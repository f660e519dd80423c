//! Sixty people who do not exist, and tables of them.

use crate::connector::{ColumnInfo, Table};
use crate::message::{Batch, BatchBuilder, Cell};
use crate::propose::NewAgency;
use crate::shape::ShapeCollector;
use crate::survey::Surveyed;
use rabt_model::Label;

const MEN: [&str; 6] = ["محمد", "أحمد", "محمود", "خالد", "يوسف", "طارق"];
const WOMEN: [&str; 6] = ["فاطمة", "مريم", "منى", "زينب", "نورهان", "إسراء"];
const FAMILIES: [&str; 5] = ["المصري", "الشرقاوي", "منصور", "حنا", "السويسي"];
const GOVERNORATES: [(&str, &str); 5] = [
    ("01", "القاهرة"),
    ("02", "الاسكندرية"),
    ("12", "الدقهلية"),
    ("21", "الجيزة"),
    ("25", "اسيوط"),
];

#[derive(Clone, Copy)]
pub(super) struct Person(usize);

pub(super) fn all() -> Vec<Person> {
    (0..60).map(Person).collect()
}

impl Person {
    pub(super) fn next(self) -> Self {
        Self((self.0 + 7) % 60)
    }

    pub(super) fn number(self) -> String {
        (5_000 + self.0 * 3).to_string()
    }

    pub(super) fn male(self) -> bool {
        self.0.is_multiple_of(2)
    }

    pub(super) fn given(self) -> String {
        let names = if self.male() { MEN } else { WOMEN };
        names[self.0 / 2 % 6].to_owned()
    }

    pub(super) fn father(self) -> String {
        MEN[self.0 / 3 % 6].to_owned()
    }

    pub(super) fn grandfather(self) -> String {
        MEN[self.0 / 5 % 6].to_owned()
    }

    pub(super) fn family(self) -> String {
        FAMILIES[self.0 % 5].to_owned()
    }

    pub(super) fn full(self) -> String {
        let parts = [
            self.given(),
            self.father(),
            self.grandfather(),
            self.family(),
        ];
        parts.join(" ")
    }

    pub(super) fn born(self, format: &str) -> String {
        let (year, month, day) = (1960 + self.0 % 40, 1 + self.0 % 12, 1 + self.0 % 28);
        let format = format.replace("%Y", &year.to_string());
        let format = format.replace("%m", &format!("{month:02}"));
        format.replace("%d", &format!("{day:02}"))
    }

    pub(super) fn national_id(self) -> String {
        let (code, _) = GOVERNORATES[self.0 % 5];
        let born = self.born("%Y%m%d");
        let sex = if self.male() { 1 } else { 2 };
        format!("2{}{code}{:03}{sex}7", &born[2..], self.0)
    }

    pub(super) fn phone(self) -> String {
        format!("010{:08}", 12_345_678 + self.0 * 997)
    }

    pub(super) fn governorate(self) -> String {
        GOVERNORATES[self.0 % 5].1.to_owned()
    }

    pub(super) fn changed(self) -> String {
        format!("2024-03-{:02} 10:05:33", 1 + self.0 % 28)
    }
}

/// A table as a source would show it.
pub(super) struct Made {
    table: Table,
    rows: Vec<Vec<String>>,
    pub(super) sampled: bool,
}

/// Makes a table with a row for each person.
pub(super) fn made(name: &str, columns: &[&str], row: impl Fn(Person) -> Vec<String>) -> Made {
    let column = |name: &&str| ColumnInfo {
        name: (*name).to_owned(),
        declared_type: "TEXT".to_owned(),
        nullable: true,
    };
    Made {
        table: Table {
            schema: None,
            name: name.to_owned(),
            columns: columns.iter().map(column).collect(),
            key: Vec::new(),
            estimated_rows: None,
        },
        rows: all().into_iter().map(row).collect(),
        sampled: true,
    }
}

impl Made {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.table.columns.iter().map(|column| column.name.as_str())
    }

    pub(super) fn surveyed(&self) -> Surveyed {
        let names: Vec<String> = self.names().map(str::to_owned).collect();
        let mut collector = ShapeCollector::new(&names, 2026, None);
        for row in &self.rows {
            collector.push_row(row.iter().map(|text| Cell::Text(text)));
        }
        Surveyed {
            table: self.table.clone(),
            shapes: self.sampled.then(|| collector.finish()),
            refused: None,
        }
    }

    pub(super) fn batch(&self) -> Batch {
        let names: Vec<String> = self.names().map(str::to_owned).collect();
        let mut batch = BatchBuilder::new(names);
        for row in &self.rows {
            batch.push_row(row.iter().map(|text| Cell::Text(text)));
        }
        batch.take()
    }
}

pub(super) fn agency() -> NewAgency {
    NewAgency {
        id: "new-agency".parse().unwrap(),
        name: Label::new("New agency", "جهة جديدة"),
        steward: "data@new-agency.example".to_owned(),
        agreement: "AG-SUPPLY-900".parse().unwrap(),
        kind: "sqlite".to_owned(),
        config: "path = 'new.db'\npassword = { secret = 'env:X' }"
            .parse()
            .unwrap(),
    }
}
