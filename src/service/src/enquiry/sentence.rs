//! Sentences that tell people where a value comes from, in both languages.

use rabt_model::{Attributed, Label, Provenance, Rule};

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
            "The record that changed last holds this value (of equals, the first by its key)",
            "السجل الأحدث تعديلًا يحمل هذه القيمة (وعند التساوي السجل الأول بمفتاحه)",
        ),
        Rule::Validity => (
            "This value is valid or more complete than the others",
            "هذه القيمة صحيحة أو أكمل من غيرها",
        ),
        Rule::Kept => (
            "One of several values that are all kept",
            "واحدة من عدة قيم يُحتفظ بها جميعًا",
        ),
        Rule::RecordOfTruth => (
            "The record of truth for this data holds this value",
            "سجل المرجعية لهذا البيان يحمل هذه القيمة",
        ),
        Rule::FirstRecord => (
            "No rule tells the values apart; the first record by its key holds this one",
            "لا تفرّق أي قاعدة بين القيم، والسجل الأول بمفتاحه يحمل هذه القيمة",
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

/// Says which agency holds another value, in which column, and when it was read.
pub(super) fn of_other(holder: &Provenance, agency: &Label) -> Label {
    let column = &holder.column;
    let read = holder.observed_at.strftime("%Y-%m-%d");
    Label::new(
        format!(
            "Also held: by {} in column {column}, read on {read}",
            agency.en
        ),
        format!(
            "قيمة أخرى مسجلة لدى {} في العمود {column}، وقُرئت بتاريخ {read}",
            agency.ar
        ),
    )
}

/// Says why a value does not stand, and whether it contradicts the one that does.
pub(super) fn of_loss(rule: Rule, disputes: bool) -> Label {
    let (en, ar) = match rule {
        Rule::RecordOfTruth => (
            "the record of truth for this data holds another value",
            "سجل المرجعية لهذا البيان يحمل قيمة أخرى",
        ),
        Rule::Validity => (
            "another value is valid or more complete",
            "قيمة أخرى صحيحة أو أكمل",
        ),
        Rule::Majority => (
            "more records hold another value",
            "عدد أكبر من السجلات يحمل قيمة أخرى",
        ),
        Rule::SourceRank => (
            "an agency of higher rank for this data holds another value",
            "جهة أعلى مرتبة لهذا البيان تحمل قيمة أخرى",
        ),
        Rule::MostRecent => (
            "a record that changed later, or of equals comes first by its key, holds another value",
            "سجل أحدث تعديلًا، أو أسبق بمفتاحه عند التساوي، يحمل قيمة أخرى",
        ),
        Rule::FirstRecord => (
            "no rule tells the values apart, and a record that comes first by its key holds another",
            "لا تفرّق أي قاعدة بين القيم، وسجل أسبق بمفتاحه يحمل قيمة أخرى",
        ),
        // A value never loses by one of these.
        Rule::OnlyValue | Rule::Agreed | Rule::Kept => (
            "as many values stand as are kept",
            "اكتمل عدد القيم المحتفظ بها",
        ),
    };
    let mut label = Label::new(
        format!("It does not stand: {en}"),
        format!("ولم تُعتمد: {ar}"),
    );
    if disputes {
        label.en.push_str("; it contradicts the value that stands");
        label.ar.push_str("؛ وهي تخالف القيمة المعتمدة");
    }
    label
}
