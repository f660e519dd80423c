//! What a statement in the log means for a table.
//!
//! Rows are logged as rows; what comes as the text of a statement is what ends a transaction, what alters
//! tables, and what a session did that logs its statements instead of rows.

/// A table, as statements name it.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) schema: String,
    pub(super) table: String,
    /// Whether names differ in the case of their letters alone.
    pub(super) fold: bool,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    Commit,
    Rollback,
    Savepoint(String),
    RollbackTo(String),
    XaCommit,
    XaRollback,
    /// Takes every row of the table away.
    Empties,
    /// Puts other rows into the place of the table's, or takes some of them away, and logs none of
    /// them; with what it does.
    Replaces(&'static str),
    /// May have changed rows of the table, and no row is logged.
    Text,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Name(String),
    Text,
    Mark(u8),
}

/// Returns what a statement does to a table; `database` is where names without a schema are.
pub(super) fn meaning(text: &[u8], database: &[u8], ours: &Named) -> Statement {
    if std::str::from_utf8(text).is_err() && !(ours.schema.is_ascii() && ours.table.is_ascii()) {
        // The name may stand there in another character set.
        let meaning = Reader::new(&tokens(text), database, ours).meaning();
        return if meaning == Statement::Other {
            Statement::Text
        } else {
            meaning
        };
    }
    Reader::new(&tokens(text), database, ours).meaning()
}

/// Says whether the text of a table's definition has a foreign key by which the server changes rows and
/// logs none of them.
pub(super) fn cascades(definition: &str) -> bool {
    let tokens = tokens(definition.as_bytes());
    tokens.windows(3).any(|three| {
        is(&three[0], &["ON"])
            && is(&three[1], &["DELETE", "UPDATE"])
            && is(&three[2], &["CASCADE", "SET"])
    })
}

fn is(token: &Token, words: &[&str]) -> bool {
    let Token::Word(word) = token else {
        return false;
    };
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

struct Reader<'a> {
    tokens: &'a [Token],
    database: String,
    ours: &'a Named,
}

impl<'a> Reader<'a> {
    fn new(tokens: &'a [Token], database: &[u8], ours: &'a Named) -> Self {
        let mut tokens = tokens;
        // SET STATEMENT max_statement_time = 1 FOR …
        if tokens.len() > 2 && is(&tokens[0], &["SET"]) && is(&tokens[1], &["STATEMENT"]) {
            let begins = tokens.iter().position(|token| is(token, &["FOR"]));
            tokens = begins.map_or(&[][..], |at| &tokens[at + 1..]);
        }
        Self {
            tokens,
            database: String::from_utf8_lossy(database).into_owned(),
            ours,
        }
    }

    fn meaning(mut self) -> Statement {
        let Some(Token::Word(first)) = self.tokens.first() else {
            return Statement::Other;
        };
        let first = first.to_ascii_uppercase();
        self.tokens = &self.tokens[1..];
        match first.as_str() {
            "COMMIT" => Statement::Commit,
            "ROLLBACK" => self.rollback(),
            "SAVEPOINT" => self.name().map_or(Statement::Other, Statement::Savepoint),
            "XA" if self.takes(&["COMMIT"]) => Statement::XaCommit,
            "XA" if self.takes(&["ROLLBACK"]) => Statement::XaRollback,
            "TRUNCATE" => {
                self.takes(&["TABLE"]);
                self.empties()
            }
            "DROP" => self.drop(),
            "CREATE" if self.takes(&["OR"]) => {
                self.takes(&["REPLACE"]);
                self.drop()
            }
            "RENAME" => self.rename(),
            "ALTER" => self.alter(),
            "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "LOAD" | "WITH" | "CALL" | "SELECT"
            | "DO" => self.text(),
            _ => Statement::Other,
        }
    }

    fn rollback(&mut self) -> Statement {
        self.takes(&["WORK"]);
        if !self.takes(&["TO"]) {
            return Statement::Rollback;
        }
        self.takes(&["SAVEPOINT"]);
        self.name()
            .map_or(Statement::Rollback, Statement::RollbackTo)
    }

    fn drop(&mut self) -> Statement {
        if self.takes(&["TEMPORARY"]) {
            return Statement::Other;
        }
        if self.takes(&["DATABASE", "SCHEMA"]) {
            self.skip_conditions();
            let ours = self
                .name()
                .is_some_and(|name| self.same(&name, &self.ours.schema));
            return if ours {
                Statement::Empties
            } else {
                Statement::Other
            };
        }
        if self.takes(&["TABLE", "TABLES"]) {
            return self.empties();
        }
        Statement::Other
    }

    fn empties(&mut self) -> Statement {
        self.skip_conditions();
        loop {
            match self.path() {
                Some(true) => return Statement::Empties,
                Some(false) => {}
                None => return Statement::Other,
            }
            if self.tokens.first() != Some(&Token::Mark(b',')) {
                return Statement::Other;
            }
            self.tokens = &self.tokens[1..];
        }
    }

    fn rename(&mut self) -> Statement {
        if !self.takes(&["TABLE", "TABLES"]) {
            return Statement::Other;
        }
        self.skip_conditions();
        while !self.tokens.is_empty() {
            if self.path() == Some(true) {
                return Statement::Replaces("renamed");
            }
            self.tokens = self.tokens.get(1..).unwrap_or_default();
        }
        Statement::Other
    }

    fn alter(&mut self) -> Statement {
        while self.takes(&["ONLINE", "IGNORE"]) {}
        if !self.takes(&["TABLE"]) {
            return Statement::Other;
        }
        self.skip_conditions();
        let ours = self.path() == Some(true);
        while !self.tokens.is_empty() {
            if self.takes(&["RENAME"]) {
                if self.takes(&["COLUMN", "INDEX", "KEY"]) {
                    continue;
                }
                self.takes(&["TO", "AS"]);
                if self.path() == Some(true) || ours {
                    return Statement::Replaces("renamed");
                }
            } else if self.takes(&["DROP", "TRUNCATE", "EXCHANGE", "CONVERT"]) {
                let of_parts = self.takes(&["PARTITION"]);
                if of_parts && (ours || (self.reaches() && self.mentions(&self.ours.table))) {
                    return Statement::Replaces("changed by its partitions");
                }
            } else if self.takes(&["IMPORT", "DISCARD"]) {
                if ours && self.takes(&["TABLESPACE"]) {
                    return Statement::Replaces("replaced as a file");
                }
            } else {
                self.tokens = &self.tokens[1..];
            }
        }
        Statement::Other
    }

    /// Rows of the table may be changed by a view, a trigger or a procedure that another name is told of;
    /// those of another database are taken not to.
    fn text(&self) -> Statement {
        if self.reaches() {
            return Statement::Text;
        }
        Statement::Other
    }

    /// Says whether the statement is in the database of the table, or names it.
    fn reaches(&self) -> bool {
        self.same(&self.database, &self.ours.schema) || self.mentions(&self.ours.schema)
    }

    fn mentions(&self, wanted: &str) -> bool {
        self.tokens.iter().any(|token| match token {
            Token::Word(name) | Token::Name(name) => self.same(name, wanted),
            Token::Text | Token::Mark(_) => false,
        })
    }

    fn takes(&mut self, words: &[&str]) -> bool {
        let taken = self.tokens.first().is_some_and(|token| is(token, words));
        if taken {
            self.tokens = &self.tokens[1..];
        }
        taken
    }

    fn skip_conditions(&mut self) {
        if self.takes(&["IF"]) {
            self.takes(&["NOT"]);
            self.takes(&["EXISTS"]);
        }
    }

    fn name(&mut self) -> Option<String> {
        let (Token::Word(name) | Token::Name(name)) = self.tokens.first()? else {
            return None;
        };
        self.tokens = &self.tokens[1..];
        Some(name.clone())
    }

    /// Takes the name of a table; says whether it is ours.
    fn path(&mut self) -> Option<bool> {
        let first = self.name()?;
        let (schema, table) = if self.tokens.first() == Some(&Token::Mark(b'.')) {
            self.tokens = &self.tokens[1..];
            (first, self.name()?)
        } else {
            (self.database.clone(), first)
        };
        Some(self.same(&schema, &self.ours.schema) && self.same(&table, &self.ours.table))
    }

    fn same(&self, one: &str, other: &str) -> bool {
        one == other || (self.ours.fold && one.to_lowercase() == other.to_lowercase())
    }
}

/// Returns the tokens of a statement without comments; what is in a comment for the server alone counts.
fn tokens(text: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        match byte {
            b'#' => at += line(rest),
            b'-' if rest.starts_with(b"-- ") || rest == b"--" => at += line(rest),
            b'/' if rest.starts_with(b"/*!") || rest.starts_with(b"/*M!") => {
                let digits = rest.iter().skip(if rest[2] == b'M' { 4 } else { 3 });
                let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
                at += digits + if rest[2] == b'M' { 4 } else { 3 };
            }
            b'*' if rest.starts_with(b"*/") => at += 2,
            b'/' if rest.starts_with(b"/*") => {
                let ends = rest.windows(2).skip(2).position(|two| two == b"*/");
                at += ends.map_or(rest.len(), |ends| ends + 4);
            }
            b'`' | b'"' | b'\'' => {
                let (name, length) = quoted(rest, byte);
                tokens.push(match byte {
                    b'\'' => Token::Text,
                    _ => Token::Name(name),
                });
                at += length;
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            _ if is_word(byte) => {
                let length = rest.iter().take_while(|byte| is_word(**byte)).count();
                let word = String::from_utf8_lossy(&rest[..length]).into_owned();
                tokens.push(Token::Word(word));
                at += length;
            }
            _ => {
                tokens.push(Token::Mark(byte));
                at += 1;
            }
        }
    }
    tokens
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn line(rest: &[u8]) -> usize {
    let ends = rest.iter().position(|byte| *byte == b'\n');
    ends.map_or(rest.len(), |ends| ends + 1)
}

/// Returns what stands in quotes, and how long it is with them.
fn quoted(rest: &[u8], quote: u8) -> (String, usize) {
    let mut inside = Vec::new();
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        if byte == quote {
            if rest.get(at + 1) != Some(&quote) {
                return (String::from_utf8_lossy(&inside).into_owned(), at + 1);
            }
            at += 1;
        } else if byte == b'\\' && quote != b'`' {
            at += 1;
        }
        inside.extend(rest.get(at));
        at += 1;
    }
    (String::from_utf8_lossy(&inside).into_owned(), rest.len())
}

#[cfg(test)]
mod tests {
    use super::{Named, Statement, cascades, meaning};

    fn of(text: &str) -> Statement {
        let ours = Named {
            schema: "tax".into(),
            table: "order".into(),
            fold: false,
        };
        meaning(text.as_bytes(), b"tax", &ours)
    }

    #[test]
    fn ends_of_transactions_are_told_apart() {
        assert_eq!(of("COMMIT"), Statement::Commit);
        assert_eq!(of("ROLLBACK"), Statement::Rollback);
        assert_eq!(of("SAVEPOINT `a``b`"), Statement::Savepoint("a`b".into()));
        assert_eq!(of("ROLLBACK TO `x`"), Statement::RollbackTo("x".into()));
        assert_eq!(
            of("rollback work to savepoint x"),
            Statement::RollbackTo("x".into())
        );
        assert_eq!(of("XA COMMIT X'71',X'',1"), Statement::XaCommit);
        assert_eq!(of("XA ROLLBACK X'71',X'',1"), Statement::XaRollback);
        assert_eq!(of("XA END X'71',X'',1"), Statement::Other);
    }

    #[test]
    fn an_emptied_table_is_known_by_its_name() {
        for statement in [
            "truncate `order`",
            "TRUNCATE TABLE tax.`order`",
            "/* nightly */ TRUNCATE # all\n TABLE \"order\"",
            "SET STATEMENT lock_wait_timeout = 1 FOR TRUNCATE `order`",
            "DROP TABLE IF EXISTS `a`, `tax`.`order` /* generated by server */",
            "CREATE OR REPLACE TABLE `order` (id int)",
            "/*!50000 DROP TABLE */ `order`",
            "DROP DATABASE tax",
        ] {
            assert_eq!(of(statement), Statement::Empties, "{statement}");
        }
        for statement in [
            "truncate orders",
            "TRUNCATE TABLE other.`order`",
            "DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `order`",
            "DROP TABLE a, b -- `order`",
            "DROP VIEW `order`",
            "CREATE TABLE `order` (id int)",
            "DROP DATABASE other",
            "GRANT SELECT ON tax.`order` TO r",
            "ALTER TABLE `order` ADD note text DEFAULT 'DROP PARTITION p'",
            "ALTER TABLE `order` RENAME COLUMN a TO b",
            "ALTER TABLE `order` DROP note",
        ] {
            assert_eq!(of(statement), Statement::Other, "{statement}");
        }
    }

    #[test]
    fn what_no_row_tells_of_is_not_overlooked() {
        for statement in [
            "RENAME TABLE `order` TO old, new TO `order`",
            "RENAME TABLE new TO tax.`order`",
            "ALTER TABLE `order` RENAME old",
            "ALTER TABLE new RENAME TO `order`",
            "ALTER TABLE `order` DROP PARTITION p",
            "ALTER TABLE parts EXCHANGE PARTITION p WITH TABLE `order`",
            "ALTER TABLE `order` IMPORT TABLESPACE",
        ] {
            let found = of(statement);
            assert!(
                matches!(found, Statement::Replaces(_)),
                "{statement}: {found:?}"
            );
        }
        assert_eq!(of("INSERT INTO others SELECT 1"), Statement::Text);
        let ours = Named {
            schema: "tax".into(),
            table: "order".into(),
            fold: true,
        };
        let elsewhere = |text: &str| meaning(text.as_bytes(), b"other", &ours);
        assert_eq!(elsewhere("INSERT INTO `order` SELECT 1"), Statement::Other);
        assert_eq!(elsewhere("UPDATE Tax.v SET a = 1"), Statement::Text);
        assert_eq!(elsewhere("TRUNCATE TAX.`Order`"), Statement::Empties);
    }

    #[test]
    fn keys_that_cascade_are_found() {
        assert!(cascades("… REFERENCES `p` (`id`) ON DELETE CASCADE"));
        assert!(cascades("… REFERENCES `p` (`id`) ON UPDATE SET NULL"));
        assert!(!cascades(
            "`t` timestamp ON UPDATE current_timestamp(), `n` text DEFAULT 'ON DELETE CASCADE'"
        ));
    }
}
