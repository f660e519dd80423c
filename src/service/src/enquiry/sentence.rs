//! Sentences that tell people where a value comes from, in both languages.

use rabt_model::{Attributed, Label, Rule};

/// Says whose value it is and when it was read.
pub(super) fn of_origin(value: &Attributed, agency: &Label) -> Label {
    let origin = &value.provenance;
    let column = &origin.column;
    let read = origin.observed_at.strftime("%Y-%m-%d");
    Label::new(
        format!("Held by {} in column {column}, read on {read}", agency.en),
        format!(
            "مسجلة لدى {} في العمود {column}، وقُرئت بتاريخ {read}",
            agency.ar
        ),
    )
}

/// Says which rule chose the value and how many records agree.
pub(super) fn of_rule(value: &Attributed) -> Label {
    let (en, ar) = match value.rule {
        Rule::OnlyValue => (
            "Only one record holds a value",
            "سجل واحد فقط يحمل هذه القيمة",
        ),
        Rule::Agreed => (
            "All records that hold a value agree",
            "جميع السجلات التي تحمل قيمة متفقة",
        ),
        Rule::Majority => (
            "More records hold this value than any other",
            "عدد السجلات التي تحمل هذه القيمة أكبر من غيرها",
        ),
        Rule::SourceRank => (
            "The agency of highest rank for this data holds this value",
            "الجهة الأعلى مرتبة لهذا البيان تحمل هذه القيمة",
        ),
        Rule::MostRecent => (
            "The record that changed last holds this value",
            "السجل الأحدث تعديلًا يحمل هذه القيمة",
        ),
        Rule::Validity => (
            "This value is valid or more complete than the others",
            "هذه القيمة صحيحة أو أكمل من غيرها",
        ),
        Rule::Kept => (
            "One of several values that are all kept",
            "واحدة من عدة قيم يُحتفظ بها جميعًا",
        ),
    };
    let count = value.supporters;
    let mut label = Label::new(
        format!("{en}; records that hold it: {count}"),
        format!("{ar}؛ عدد السجلات التي تحملها: {count}"),
    );
    if value.disputed {
        label.en.push_str("; another record contradicts it");
        label.ar.push_str("؛ ويخالفها سجل آخر");
    }
    label
}
