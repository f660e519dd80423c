//! What a command says when it cannot do its work, and the exit code that goes with it.

use std::fmt;
use std::process::ExitCode;

use rabt_runtime::Problem;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 1: the work failed.
    Failed,
    /// 2: the command, a setting or a manifest is wrong; nothing was done.
    Usage,
    /// 3: the server does not permit it.
    NotPermitted,
    /// 4: something was checked and is not what it should be.
    VerificationFailed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NotPermitted => 3,
            Exit::VerificationFailed => 4,
        })
    }
}

/// One thing that is wrong, and its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is wrong, and where. Never a value about a person.
    pub(crate) message: String,
    /// What to do; empty when there is nothing to say.
    pub(crate) help: String,
}

/// Why a command ends without success: at least one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandError {
    exit: Exit,
    faults: Vec<Fault>,
}

impl CommandError {
    /// Returns an error for work that failed.
    pub(crate) fn failed(message: impl fmt::Display, help: impl Into<String>) -> Self {
        Self::one(Exit::Failed, message, help)
    }

    /// Returns an error for a wrong argument, setting or file.
    pub(crate) fn usage(message: impl fmt::Display, help: impl Into<String>) -> Self {
        Self::one(Exit::Usage, message, help)
    }

    /// Returns an error with this exit code.
    pub(crate) fn one(exit: Exit, message: impl fmt::Display, help: impl Into<String>) -> Self {
        Self {
            exit,
            faults: vec![Fault {
                message: message.to_string(),
                help: help.into(),
            }],
        }
    }

    /// Returns an error with every fault that was found.
    pub(crate) fn many(exit: Exit, faults: Vec<Fault>) -> Self {
        Self { exit, faults }
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what is wrong.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl From<Vec<Problem>> for CommandError {
    fn from(problems: Vec<Problem>) -> Self {
        let fault = |problem: Problem| Fault {
            message: problem.to_string(),
            help: problem.help,
        };
        Self::many(Exit::Usage, problems.into_iter().map(fault).collect())
    }
}
