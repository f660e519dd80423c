use super::{Naming, names_people, promise};
use crate::connector::{ColumnInfo, Table};
use crate::propose::meaning::Meaning;

fn table(name: String, columns: &[&str]) -> Table {
    let column = |name: &&str| ColumnInfo {
        name: (*name).to_owned(),
        declared_type: String::new(),
        nullable: true,
    };
    Table {
        schema: None,
        name,
        columns: columns.iter().map(column).collect(),
        key: Vec::new(),
        estimated_rows: None,
    }
}

#[test]
fn people_are_found_among_ten_thousand_tables() {
    let columns = [
        "doc_id",
        "line_no",
        "item_code",
        "qty",
        "price",
        "created_at",
        "posted_by",
    ];
    let mut tables: Vec<Table> = (0..10_000)
        .map(|number| table(format!("doc_line_{number}"), &columns))
        .collect();
    let people = ["person_id", "full_name", "nid", "birth_dt", "gender"];
    tables[7_000] = table("t_0815".to_owned(), &people);
    let best = tables.iter().max_by_key(|table| promise(table)).unwrap();
    assert_eq!(best.name, "t_0815");
}

fn best(name: &str) -> Option<&'static str> {
    let naming = Naming::of(std::iter::empty());
    let best = naming.read(name).into_iter().next()?;
    (best.points >= 25).then(|| best.meaning.as_str())
}

#[test]
fn names_are_read_in_both_languages_and_by_ear() {
    for (name, meaning) in [
        ("تاريخ الميلاد", "birth_date"),
        ("تاريخ_ميلاد_المواطن", "birth_date"),
        ("الرَّقم القَومى", "national_id"),
        ("اسم الأب", "father_name"),
        ("اسم الام رباعي", "mother_name"),
        ("ism_al_ab", "father_name"),
        ("ismAlJadd", "grandfather_name"),
        ("raqam_qawmi", "national_id"),
        ("RAKAM_KAWMY", "national_id"),
        ("tarikh_milad", "birth_date"),
        ("TAREEKH_EL_MEELAD", "birth_date"),
        ("mahal_el_milad", "birth_place"),
        ("DOB", "birth_date"),
        ("BRTH_DT", "birth_date"),
        ("dateofbirth", "birth_date"),
        ("BirthYear", "birth_year"),
        ("NID", "national_id"),
        ("NM1", "given_name"),
        ("NAME_4", "family_name"),
        ("SecondName", "father_name"),
        ("emp_surname", "family_name"),
        ("MTHR_NM", "mother_name"),
        ("GNDR_CD", "sex"),
        ("Social Status", "marital_status"),
        ("GovernorateName", "governorate"),
        ("father_national_id", "father_id"),
        ("guardian_phone", "other_person"),
        ("father_addr", "other_person"),
        ("nominee_nid", "other_person"),
        ("state_name", "governorate"),
        ("مكان الوفاة", "other_thing"),
        ("PermanentAddress", "address_text"),
        ("رقم_هوية_وطنية", "national_id"),
        ("expiry_date", "other_date"),
        ("last_updated_at", "changed_at"),
        ("company_name", "other_thing"),
        ("customer_id", "row_number"),
    ] {
        assert_eq!(best(name), Some(meaning), "{name}");
    }
    assert_eq!(best("qwertz"), None);
}

#[test]
fn a_shared_first_word_says_nothing() {
    let columns = ["w_name", "w_dob", "w_tel", "w_x"];
    let naming = Naming::of(columns.into_iter());
    let best = naming.read("w_dob")[0];
    assert_eq!((best.meaning, best.points), (Meaning::BirthDate, 58));
}

#[test]
fn tables_of_people_are_known_by_their_names() {
    assert!(names_people("CUSTOMERS") && names_people("بيانات_المواطنين"));
    assert!(!names_people("invoice"));
}
