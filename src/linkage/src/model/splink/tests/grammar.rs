//! Conditions written at random: what is written is read back, and nothing is too odd to refuse.

use proptest::prelude::*;

use super::super::sql::{Expr, Op, Side, parse};

const OPS: [(Op, &str); 12] = [
    (Op::Or, "or"),
    (Op::And, "AND"),
    (Op::Eq, "="),
    (Op::Ne, "<>"),
    (Op::Lt, "<"),
    (Op::Le, "<="),
    (Op::Gt, ">"),
    (Op::Ge, ">="),
    (Op::Add, "+"),
    (Op::Sub, "-"),
    (Op::Mul, "*"),
    (Op::Div, "/"),
];

/// Writes an expression with a bracket around every part.
fn written(expr: &Expr) -> String {
    let list = |parts: &[Expr]| parts.iter().map(written).collect::<Vec<_>>().join(", ");
    match expr {
        Expr::Column(name, side) => {
            let side = if *side == Side::Left { "l" } else { "r" };
            format!("\"{}_{side}\"", name.replace('"', "\"\""))
        }
        // What is beyond every number is read as infinite.
        Expr::Number(number) => format!("{number:?}").replace("inf", "1e999"),
        Expr::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Expr::Null => "NULL".to_owned(),
        Expr::Call(name, arguments) => format!("{name}({})", list(arguments)),
        Expr::Binary(op, left, right) => {
            let sign = OPS.iter().find(|(known, _)| known == op).unwrap().1;
            format!("({} {sign} {})", written(left), written(right))
        }
        Expr::Not(inner) => format!("(NOT ({}))", written(inner)),
        Expr::IsNull(inner) => format!("(({}) IS NULL)", written(inner)),
        Expr::Case(results) => {
            let branches = results
                .iter()
                .map(|result| format!("when a_l = a_r then {} ", written(result)));
            format!("case {}end", branches.collect::<String>())
        }
    }
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        ("[a-z\" م]{1,6}", any::<bool>()).prop_map(|(name, left)| {
            Expr::Column(name, if left { Side::Left } else { Side::Right })
        }),
        (0.0..1e12_f64).prop_map(Expr::Number),
        any::<String>().prop_map(Expr::Text),
        Just(Expr::Null),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
        let two = (0..OPS.len(), inner.clone(), inner.clone());
        let list = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            two.prop_map(|(op, left, right)| Expr::Binary(OPS[op].0, left.into(), right.into())),
            inner.clone().prop_map(|part| Expr::Not(part.into())),
            inner.prop_map(|part| Expr::IsNull(part.into())),
            ("f[a-z_]{0,6}", list.clone())
                .prop_map(|(name, arguments)| Expr::Call(name, arguments)),
            list.prop_map(Expr::Case),
        ]
    })
}

/// Words and signs of conditions in no order that means anything.
fn soup() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "a_l", "a_r", "\"b_l\"", "l.", "r.\"c\"", "and", "or", "not", "is", "null", "case",
            "when", "then", "else", "end", "cast", "as", "date", "f(", "(", ")", ",", "::", "=",
            "<>", "<=", "-", "+", "*", "/", "->", "||", "[", "]", "1", ".5", "1e9", "1e999", "'x'",
            "'", "\"",
        ])
        .prop_map(str::to_owned),
        "[;?%$#م]",
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(crate::soak::cases(300))]

    #[test]
    fn what_is_written_is_read(expr in expr()) {
        prop_assert_eq!(parse(&written(&expr)), Ok(expr));
    }

    #[test]
    fn no_condition_is_too_odd(soup in soup(), text in any::<String>()) {
        for text in [soup, text] {
            if let Ok(expr) = parse(&text) {
                prop_assert_eq!(parse(&written(&expr)), Ok(expr), "{}", text);
            }
        }
    }
}

#[test]
fn a_condition_without_end_is_refused() {
    for part in [
        "a_l = a_r and ",
        "a_l = a_r or ",
        "1 + ",
        "1 * ",
        "not ",
        "- ",
        "case when ",
    ] {
        let long = part.repeat(200_000) + "a_l = a_r";
        assert!(parse(&long).is_err(), "{part}");
    }
    let casts = format!("a_l{} = a_r", "::date".repeat(200_000));
    assert!(parse(&casts).is_err());
}
