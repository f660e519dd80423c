//! The sentence of each step: what a caller is shown as lineage.

use rabt_model::Label;

use crate::step::{Calendar, DateFormat, Step};

impl Step {
    /// Returns the sentence of the step, in English and Arabic.
    pub fn explain(&self) -> Label {
        let (en, ar) = match self {
            Self::Trim => (
                "spaces at both ends are removed",
                "تُحذف المسافات من الطرفين",
            ),
            Self::CollapseSpaces => (
                "runs of spaces become one space",
                "تُختصر المسافات المتكررة إلى مسافة واحدة",
            ),
            Self::Nfc => (
                "characters are put into their composed Unicode form",
                "تُوحَّد صيغة الحروف وفق يونيكود",
            ),
            Self::FoldCase => (
                "capital letters become small",
                "تُحوَّل الحروف اللاتينية الكبيرة إلى صغيرة",
            ),
            Self::DigitsAscii => (
                "Arabic digits are written as 0 to 9",
                "تُكتب الأرقام العربية بالصورة 0 إلى 9",
            ),
            Self::ParsePartialDate => (
                "is read as a year, month or day",
                "تُقرأ القيمة كسنة أو شهر أو يوم",
            ),
            Self::CheckNationalId => (
                "must have the structure of a national id",
                "يجب أن يكون للقيمة تركيب الرقم القومي",
            ),
            Self::Strip(_)
            | Self::Take(_)
            | Self::Split { .. }
            | Self::Join(_)
            | Self::Replace(_)
            | Self::NullIf(_)
            | Self::Default(_)
            | Self::ParseDate { .. }
            | Self::Lookup(_)
            | Self::CheckDigits(_)
            | Self::PadLeft { .. } => return self.explain_with_values(),
        };
        Label::new(en, ar)
    }

    fn explain_with_values(&self) -> Label {
        match self {
            Self::Strip(characters) => both(
                &format!("the characters {characters} are removed"),
                &format!("تُحذف الرموز {characters}"),
            ),
            Self::Take(count) => both(
                &format!("the first {count} characters are taken"),
                &format!("تؤخذ أول {count} من الحروف"),
            ),
            Self::Split { separator, index } => both(
                &format!("part {} between '{separator}' is taken", index + 1),
                &format!("يؤخذ الجزء رقم {} بين الفواصل '{separator}'", index + 1),
            ),
            Self::Join(separator) => both(
                &format!("the columns are joined with '{separator}'"),
                &format!("تُضم الأعمدة بالفاصل '{separator}'"),
            ),
            Self::Replace(pairs) => explain_pairs("is replaced: ", "يُستبدل: ", pairs),
            Self::NullIf(values) => both(
                &format!("{} mean that there is no value", quoted(values)),
                &format!("تعني {} عدم وجود قيمة", quoted(values)),
            ),
            Self::Default(text) => both(
                &format!("is '{text}' where there is no value"),
                &format!("تكون القيمة '{text}' عند غيابها"),
            ),
            Self::ParseDate {
                formats,
                calendar,
                unknown,
            } => explain_date(formats, *calendar, unknown),
            Self::Lookup(table) => {
                let pairs: Vec<_> = table.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                explain_pairs("is looked up: ", "يُترجم وفق الجدول: ", &pairs)
            }
            Self::CheckDigits(count) => both(
                &format!("must be {count} digits"),
                &format!("يجب أن تكون القيمة {count} رقمًا"),
            ),
            Self::PadLeft { width, with } => both(
                &format!("'{with}' is put in front up to {width} characters"),
                &format!("تُضاف '{with}' في البداية حتى طول {width}"),
            ),
            Self::Trim
            | Self::CollapseSpaces
            | Self::Nfc
            | Self::FoldCase
            | Self::DigitsAscii
            | Self::ParsePartialDate
            | Self::CheckNationalId => self.explain(),
        }
    }
}

fn both(en: &str, ar: &str) -> Label {
    Label::new(en, ar)
}

fn quoted(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
    quoted.join(", ")
}

/// Lists at most eight pairs: a table of districts would bury the sentence.
fn explain_pairs(en: &str, ar: &str, pairs: &[(String, String)]) -> Label {
    let shown: Vec<String> = pairs
        .iter()
        .take(8)
        .map(|(from, to)| format!("'{from}' → '{to}'"))
        .collect();
    let more = if pairs.len() > 8 { ", …" } else { "" };
    let list = format!("{}{more}", shown.join(", "));
    Label::new(format!("{en}{list}"), format!("{ar}{list}"))
}

fn explain_date(formats: &[DateFormat], calendar: Calendar, unknown: &[String]) -> Label {
    let formats: Vec<String> = formats.iter().map(ToString::to_string).collect();
    let formats = formats.join(", ");
    let (calendar_en, calendar_ar) = match calendar {
        Calendar::Gregorian => ("", ""),
        Calendar::Hijri => (" in the Hijri calendar", " بالتقويم الهجري"),
    };
    let en = format!("is read as a date{calendar_en}, written {formats}");
    let ar = format!("تُقرأ القيمة كتاريخ{calendar_ar} بالصيغة {formats}");
    if unknown.is_empty() {
        return Label::new(en, ar);
    }
    let list = quoted(unknown);
    Label::new(
        format!("{en}; {list} mean that it is not known"),
        format!("{ar}؛ وتعني {list} أنه غير معروف"),
    )
}
