//! A reader of the part of SQL that conditions are written in.

use super::token::{Token, tokens};

/// Which record a column is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Column(String, Side),
    Number(f64),
    Text(String),
    Null,
    /// A function in lower case. A cast to a date is the function `date`.
    Call(String, Vec<Expr>),
    Binary(Op, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
    /// The results of `CASE`, without what decides between them.
    Case(Vec<Expr>),
}

/// An operator between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Add,
    Sub,
    Mul,
    Div,
}

/// How deeply expressions may stand in one another, so that a file cannot exhaust the stack.
const DEEPEST: usize = 64;

/// How many words and signs a condition may have: a chain of `AND`s is as deep a tree as it is long.
const LONGEST: usize = 2_000;

/// Reads a condition; `Err` says what is not understood.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let tokens = tokens(text)?;
    if tokens.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} words and signs"));
    }
    let mut parser = Parser {
        tokens,
        at: 0,
        deep: 0,
    };
    let expr = parser.or()?;
    match parser.tokens.get(parser.at) {
        None => Ok(expr),
        Some(token) => Err(unexpected(Some(token))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    deep: usize,
}

fn unexpected(token: Option<&Token>) -> String {
    match token {
        None => "it ends too soon".to_owned(),
        Some(Token::Word(word) | Token::Quoted(word)) => format!("'{word}' is not expected"),
        Some(Token::Number(number)) => format!("{number} is not expected"),
        Some(Token::Text(text)) => format!("'{text}' is not expected"),
        Some(Token::Sign(sign)) => format!("'{sign}' is not expected"),
    }
}

fn binary(op: Op, left: Expr, right: Expr) -> Expr {
    Expr::Binary(op, Box::new(left), Box::new(right))
}

impl Parser {
    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign)
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        let token = self.tokens.get(self.at);
        let found = matches!(token, Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    fn need_sign(&mut self, sign: &str) -> Result<(), String> {
        if self.takes_sign(sign) {
            return Ok(());
        }
        Err(unexpected(self.tokens.get(self.at)))
    }

    fn need_word(&mut self, word: &str) -> Result<(), String> {
        if self.takes_word(word) {
            return Ok(());
        }
        Err(unexpected(self.tokens.get(self.at)))
    }

    fn or(&mut self) -> Result<Expr, String> {
        self.deep += 1;
        if self.deep > DEEPEST {
            return Err(format!("it stands more than {DEEPEST} deep"));
        }
        let mut left = self.and()?;
        while self.takes_word("or") {
            left = binary(Op::Or, left, self.and()?);
        }
        self.deep -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut left = self.not()?;
        while self.takes_word("and") {
            left = binary(Op::And, left, self.not()?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, String> {
        let mut negated = false;
        while self.takes_word("not") {
            negated = !negated;
        }
        let expr = self.compared()?;
        Ok(if negated {
            Expr::Not(Box::new(expr))
        } else {
            expr
        })
    }

    fn compared(&mut self) -> Result<Expr, String> {
        const OPS: [(&str, Op); 8] = [
            ("=", Op::Eq),
            ("==", Op::Eq),
            ("<>", Op::Ne),
            ("!=", Op::Ne),
            ("<=", Op::Le),
            (">=", Op::Ge),
            ("<", Op::Lt),
            (">", Op::Gt),
        ];
        let mut left = self.sum()?;
        if self.takes_word("is") {
            let negated = self.takes_word("not");
            self.need_word("null")?;
            left = Expr::IsNull(Box::new(left));
            return Ok(if negated {
                Expr::Not(Box::new(left))
            } else {
                left
            });
        }
        for (sign, op) in OPS {
            if self.takes_sign(sign) {
                return Ok(binary(op, left, self.sum()?));
            }
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expr, String> {
        let mut left = self.product()?;
        loop {
            let op = if self.takes_sign("+") {
                Op::Add
            } else if self.takes_sign("-") {
                Op::Sub
            } else {
                return Ok(left);
            };
            left = binary(op, left, self.product()?);
        }
    }

    fn product(&mut self) -> Result<Expr, String> {
        let mut left = self.postfix()?;
        loop {
            let op = if self.takes_sign("*") {
                Op::Mul
            } else if self.takes_sign("/") {
                Op::Div
            } else {
                return Ok(left);
            };
            left = binary(op, left, self.postfix()?);
        }
    }

    fn postfix(&mut self) -> Result<Expr, String> {
        let mut negative = false;
        while self.takes_sign("-") {
            negative = !negative;
        }
        let mut expr = self.primary()?;
        while self.takes_sign("::") {
            expr = self.cast(expr)?;
        }
        if !negative {
            return Ok(expr);
        }
        if let Expr::Number(number) = expr {
            return Ok(Expr::Number(-number));
        }
        Ok(binary(Op::Sub, Expr::Number(0.0), expr))
    }

    fn primary(&mut self) -> Result<Expr, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Number(number)) => Ok(Expr::Number(number)),
            Some(Token::Text(text)) => Ok(Expr::Text(text)),
            Some(Token::Quoted(name)) => self.column(&name),
            Some(Token::Sign("(")) => {
                let inside = self.or()?;
                self.need_sign(")")?;
                Ok(inside)
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Ok(Expr::Null),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("case") => self.case(),
            Some(Token::Word(word)) if self.takes_sign("(") => self.call(&word.to_lowercase()),
            Some(Token::Word(word)) => self.column(&word),
            other => Err(unexpected(other.as_ref())),
        }
    }

    /// Reads `"x_l"`, `x_l`, `l.x` or `l."x"`.
    fn column(&mut self, name: &str) -> Result<Expr, String> {
        if self.takes_sign(".") {
            let side = side(name).ok_or_else(|| format!("'{name}.' is not understood"))?;
            let token = self.tokens.get(self.at);
            let (Some(Token::Word(column) | Token::Quoted(column)), true) =
                (token, name.len() == 1)
            else {
                return Err(unexpected(token));
            };
            let column = Expr::Column(column.clone(), side);
            self.at += 1;
            return Ok(column);
        }
        let (column, last) = name.rsplit_once('_').unwrap_or((name, ""));
        match (side(last), column.is_empty()) {
            (Some(side), false) => Ok(Expr::Column(column.to_owned(), side)),
            _ => Err(format!("'{name}' is a column of neither record")),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expr, String> {
        if self.takes_sign(")") {
            return Ok(Expr::Call(name.to_owned(), Vec::new()));
        }
        let mut arguments = vec![self.or()?];
        if matches!(name, "cast" | "try_cast") {
            self.need_word("as")?;
            let cast = self.cast(arguments.swap_remove(0))?;
            self.need_sign(")")?;
            return Ok(cast);
        }
        while self.takes_sign(",") {
            arguments.push(self.or()?);
        }
        self.need_sign(")")?;
        Ok(Expr::Call(name.to_owned(), arguments))
    }

    /// Reads the type of a cast. Only a date changes how a value is compared.
    fn cast(&mut self, expr: Expr) -> Result<Expr, String> {
        let token = self.tokens.get(self.at);
        let Some(Token::Word(kind)) = token else {
            return Err(unexpected(token));
        };
        let is_date = matches!(
            kind.to_lowercase().as_str(),
            "date" | "timestamp" | "datetime"
        );
        self.at += 1;
        if self.takes_sign("(") {
            self.at += 1;
            self.need_sign(")")?;
        }
        Ok(if is_date {
            Expr::Call("date".to_owned(), vec![expr])
        } else {
            expr
        })
    }

    fn case(&mut self) -> Result<Expr, String> {
        let mut results = Vec::new();
        while self.takes_word("when") {
            self.or()?;
            self.need_word("then")?;
            results.push(self.or()?);
        }
        if self.takes_word("else") {
            results.push(self.or()?);
        }
        self.need_word("end")?;
        Ok(Expr::Case(results))
    }
}

fn side(name: &str) -> Option<Side> {
    match name {
        "l" | "L" => Some(Side::Left),
        "r" | "R" => Some(Side::Right),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Expr, Op, Side, parse};

    #[test]
    fn operators_bind_as_in_sql() {
        let left = |name: &str| Box::new(Expr::Column(name.to_owned(), Side::Left));
        let right = |name: &str| Box::new(Expr::Column(name.to_owned(), Side::Right));
        let equal = |name| Expr::Binary(Op::Eq, left(name), right(name));
        assert_eq!(
            parse("a_l = a_r or not \"b_l\" = \"b_r\" and l.c = r.\"c\"").unwrap(),
            Expr::Binary(
                Op::Or,
                Box::new(equal("a")),
                Box::new(Expr::Binary(
                    Op::And,
                    Box::new(Expr::Not(Box::new(equal("b")))),
                    Box::new(equal("c"))
                ))
            )
        );
        assert_eq!(
            parse("a_l::date").unwrap(),
            Expr::Call("date".to_owned(), vec![*left("a")])
        );
        assert_eq!(parse("cast(a_l as varchar(9))").unwrap(), *left("a"));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let deep = "(".repeat(500) + "a_l = a_r" + &")".repeat(500);
        for wrong in [
            "",
            "a_l =",
            "a = b",
            "a_l = a_r)",
            "(a_l",
            "x -> y",
            "f(a_l",
            "q.a = r.a",
            "case",
            "a_l::",
            "l.",
            "is null",
            &deep,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
