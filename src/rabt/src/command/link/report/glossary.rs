//! Arabic and English words for the ids of models, so that readers need not know the model file.

use super::text::Text;

/// Words for what models compare and what columns hold. Spelling of ids differs by model; letters
/// only are compared.
const THINGS: [(&str, &str, &str); 37] = [
    ("namechain", "name", "الاسم"),
    ("namelatin", "name in Latin letters", "الاسم باللاتينية"),
    ("mothername", "mother’s name", "اسم الأم"),
    ("identifiernationalid", "national id", "الرقم القومي"),
    ("nationalid", "national id", "الرقم القومي"),
    ("birthdate", "date of birth", "تاريخ الميلاد"),
    ("dateofbirth", "date of birth", "تاريخ الميلاد"),
    ("sex", "sex", "النوع"),
    ("addressgovernorate", "governorate", "المحافظة"),
    ("governorate", "governorate", "المحافظة"),
    ("address", "address", "العنوان"),
    ("residence", "residence", "محل الإقامة"),
    ("phone", "phone", "الهاتف"),
    ("givenname", "given name", "الاسم الأول"),
    ("fathername", "father’s name", "اسم الأب"),
    ("lineage", "lineage", "سلسلة النسب"),
    ("mother", "mother", "الأم"),
    ("surname", "surname", "اللقب"),
    ("streetnumber", "house number", "رقم المنزل"),
    ("street", "street", "الشارع"),
    ("address1", "street", "الشارع"),
    ("address2", "place", "المكان"),
    ("suburb", "suburb", "الضاحية"),
    ("postcode", "postcode", "الرمز البريدي"),
    ("state", "state", "الولاية"),
    ("socsecid", "social security number", "رقم الضمان الاجتماعي"),
    ("agency", "agency", "الجهة"),
    ("script", "script", "نوع الكتابة"),
    ("read", "read", "القراءة"),
    ("block", "make candidates", "إعداد الأزواج المرشحة"),
    ("score", "compare", "المقارنة"),
    ("cluster", "cluster", "التجميع"),
    ("judge", "judge candidates", "الحكم على المرشحة"),
    ("link", "link", "الربط"),
    ("write", "write", "الكتابة"),
    ("train", "train", "التدريب"),
    ("report", "report", "التقرير"),
];

/// Words for the levels of comparisons.
const LEVELS: [(&str, &str, &str); 31] = [
    ("absent", "absent", "غير موجود"),
    ("equal", "equal", "متطابق"),
    ("different", "different", "مختلف"),
    ("close", "close", "قريب جدًا"),
    ("similar", "similar", "متشابه"),
    ("near", "one slip", "خطأ واحد"),
    ("doubtful", "doubtful", "مشكوك فيه"),
    ("swapped", "day and month swapped", "اليوم والشهر معكوسان"),
    ("near_day", "day or month slipped", "خطأ في اليوم أو الشهر"),
    ("near_year", "year slipped", "خطأ في السنة"),
    ("decade", "decade slipped", "خطأ في العقد"),
    ("same_month", "same month", "الشهر نفسه"),
    ("year_known", "only the year known", "السنة فقط معروفة"),
    ("same_year", "same year", "السنة نفسها"),
    ("typo", "one letter off", "خطأ في حرف"),
    ("two", "two or more agree", "اسمان أو أكثر متطابقان"),
    ("one", "one agrees", "اسم واحد متطابق"),
    ("partial", "in part", "تطابق جزئي"),
    ("both", "given and father", "الاسم واسم الأب"),
    ("given", "given name only", "الاسم الأول فقط"),
    ("conflict", "in conflict", "متعارض"),
    ("house", "same house", "المنزل نفسه"),
    ("street", "same street", "الشارع نفسه"),
    ("region", "same region", "المنطقة نفسها"),
    ("different_street", "another street", "شارع آخر"),
    ("different_region", "another region", "منطقة أخرى"),
    ("link", "link", "ربط"),
    ("review", "review", "مراجعة"),
    ("rule", "rule", "قاعدة"),
    ("prior", "prior", "الاحتمال المسبق"),
    ("total", "total", "المجموع"),
];

/// Returns the words for a comparison, a column or a stage; its id when there are none.
pub(super) fn thing(id: &str) -> Text {
    let letters = id.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.flat_map(char::to_lowercase).collect();
    find(&THINGS, &plain).unwrap_or_else(|| Text::same(id))
}

/// Returns the words for a level; its id when there are none.
pub(super) fn level(id: &str) -> Text {
    find(&LEVELS, id).unwrap_or_else(|| Text::same(id))
}

fn find(list: &[(&'static str, &'static str, &'static str)], id: &str) -> Option<Text> {
    let found = list.iter().find(|(known, _, _)| *known == id)?;
    Some(Text::new(found.1, found.2))
}

#[cfg(test)]
mod tests {
    use rabt_linkage::LinkageModel;

    use super::{level, thing};

    #[test]
    fn the_models_that_come_along_are_translated() {
        for name in LinkageModel::SHIPPED {
            let model = LinkageModel::shipped(name).unwrap();
            for comparison in &model.comparisons {
                assert!(!thing(&comparison.id).is_same(), "{}", comparison.id);
                for id in comparison.kind.levels() {
                    assert!(!level(id).is_same(), "{id}");
                }
            }
            for column in &model.columns {
                assert!(!thing(&column.id).is_same(), "{}", column.id);
            }
        }
    }

    #[test]
    fn other_ids_stand_for_themselves() {
        assert_eq!(thing("membership-no").english, "membership-no");
        assert!(thing("اسم الجد").is_same());
    }
}
