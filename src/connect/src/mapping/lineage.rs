//! How a value came to be, in sentences.

use rabt_model::{Attribute, Kin, Label};

use crate::mapping::{Field, Input, Mapping, OnReject, Shape};
use crate::step::Step;

impl Mapping {
    /// Returns how the value of `attribute` from `column` (as it stands in
    /// [`rabt_model::RecordValue::column`]) was made, one sentence for each thing done; empty when
    /// the mapping makes no such value.
    pub fn lineage(&self, attribute: &Attribute, column: &str) -> Vec<Label> {
        let field = self
            .fields
            .iter()
            .find(|field| field.attribute == *attribute && field.column == column);
        field.map(sentences).unwrap_or_default()
    }
}

fn sentences(field: &Field) -> Vec<Label> {
    let mut labels = Vec::new();
    match &field.shape {
        Shape::NameParts(kin) => {
            for (kin, input) in kin.iter().zip(&field.inputs) {
                let column = input.columns.join("+");
                let (en, ar) = slot(*kin);
                labels.push(Label::new(
                    format!("column {column} is the {en} name"),
                    format!("العمود {column} هو {ar}"),
                ));
            }
            // The slots share their steps.
            labels.extend(field.inputs.first().into_iter().flat_map(steps));
        }
        Shape::Address(parts) => {
            for (part, input) in parts.iter().zip(&field.inputs) {
                labels.push(read(input));
                labels.push(Label::new(
                    format!("is the part '{}' of the address", part.as_str()),
                    format!("وهو الجزء '{}' من العنوان", part.as_str()),
                ));
                labels.extend(steps(input));
            }
        }
        Shape::Text | Shape::Date | Shape::Name | Shape::Relation(_) => {
            for input in &field.inputs {
                labels.push(read(input));
                labels.extend(steps(input));
            }
        }
    }
    labels
}

fn read(input: &Input) -> Label {
    let columns = input.columns.join(", ");
    Label::new(
        format!("is read from {columns}"),
        format!("تُقرأ القيمة من {columns}"),
    )
}

fn steps(input: &Input) -> Vec<Label> {
    let head = input.head.iter().map(Step::explain);
    let join = input.join.clone().map(|join| Step::Join(join).explain());
    let tail = input.tail.iter().map(Step::explain);
    let mut labels: Vec<Label> = head.chain(join).chain(tail).collect();
    if input.on_reject == OnReject::Keep {
        labels.push(Label::new(
            "a value that is refused is kept as it was written",
            "تبقى القيمة المرفوضة كما كُتبت",
        ));
    }
    labels
}

const fn slot(kin: Kin) -> (&'static str, &'static str) {
    match kin {
        Kin::Given => ("given", "الاسم الأول"),
        Kin::Father => ("father's", "اسم الأب"),
        Kin::Grandfather => ("grandfather's", "اسم الجد"),
        Kin::GreatGrandfather => ("great-grandfather's", "اسم والد الجد"),
        Kin::Family => ("family", "اسم العائلة"),
    }
}
