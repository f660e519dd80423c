//! Who is asked about: a number that nobody else should see, or a citizen id.

use std::io::{BufRead, IsTerminal};

use rabt_model::{CitizenId, PartialDate};
use rabt_proto::common;

use crate::error::CommandError;
use crate::render::Render;

/// Whom the question is about.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SubjectArgs {
    /// The national id; `-` reads it from standard input, and without this option a terminal asks
    /// for it. As an argument it can be seen by other users of this machine.
    #[arg(long, value_name = "ID", conflicts_with = "citizen")]
    national_id: Option<String>,
    /// Take the number as one of another scheme, such as `passport`.
    #[arg(long, default_value = "national_id", value_name = "SCHEME")]
    scheme: String,
    /// The citizen id of an earlier answer.
    #[arg(long, value_name = "ID")]
    citizen: Option<String>,
}

/// Whom the question is about, read.
#[derive(Debug)]
pub(crate) enum Who {
    /// The holder of a number.
    Number(common::Identifier),
    /// A citizen, `citizens/{citizen}`.
    Name(String),
}

impl SubjectArgs {
    /// Returns whom the question is about, from the arguments, standard input or a prompt.
    pub(crate) fn resolve(self, demo: bool, render: &Render) -> Result<Who, CommandError> {
        if let Some(citizen) = self.citizen {
            let id = citizen.strip_prefix("citizens/").unwrap_or(&citizen);
            let id: CitizenId = id.parse().map_err(|_| {
                let help = "a citizen id has 26 letters and digits; `rabt citizen lookup` shows it";
                CommandError::usage("--citizen is not a citizen id", help)
            })?;
            return Ok(Who::Name(format!("citizens/{id}")));
        }
        let value = match self.national_id.as_deref() {
            Some("-") => first_line()?,
            Some(number) => {
                if !demo {
                    render.warning(
                        "a number given as an argument can be seen by other users and stays in \
                         the shell's history; use --national-id -",
                    );
                }
                number.to_owned()
            }
            None if std::io::stdin().is_terminal() => prompt(&self.scheme)?,
            None => {
                return Err(CommandError::usage(
                    "nobody is asked about",
                    "give --national-id - and the number on standard input, or --citizen ID",
                ));
            }
        };
        let value = value.trim().to_owned();
        if value.is_empty() {
            let help = "write the number on the first line";
            return Err(CommandError::usage("standard input holds no number", help));
        }
        Ok(Who::Number(common::Identifier {
            scheme: self.scheme,
            value,
        }))
    }
}

/// Returns a date from its text, perhaps a year alone.
pub(super) fn date(text: &str) -> Result<common::PartialDate, CommandError> {
    let date: PartialDate = text.trim().parse().map_err(|_| {
        let help = "write it as YYYY-MM-DD, YYYY-MM or YYYY";
        CommandError::usage("--birth-date is not a date", help)
    })?;
    Ok(common::PartialDate {
        year: u32::try_from(date.year()).unwrap_or_default(),
        month: date.month().map_or(0, u32::from),
        day: date.day().map_or(0, u32::from),
    })
}

fn first_line() -> Result<String, CommandError> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| CommandError::failed(format!("standard input: {error}"), ""))?;
    Ok(line)
}

/// Asks on the terminal, without showing what is typed.
fn prompt(scheme: &str) -> Result<String, CommandError> {
    let what = if scheme == "national_id" {
        "National id: ".to_owned()
    } else {
        format!("Number ({scheme}): ")
    };
    rpassword::prompt_password(what)
        .map_err(|error| CommandError::failed(format!("terminal: {error}"), ""))
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_may_be_partial() {
        let full = date("1990-01-31").unwrap();
        assert_eq!((full.year, full.month, full.day), (1990, 1, 31));
        let year = date("1990").unwrap();
        assert_eq!((year.year, year.month, year.day), (1990, 0, 0));
        assert!(date("yesterday").is_err());
    }
}
