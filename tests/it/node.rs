//! A node as somebody runs it, and the commands that are typed beside it.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use rabt_tests::executable;
use serde_json::Value;
use tempfile::TempDir;

/// A node with certificates of its own making. Dropping it kills the process.
pub(crate) struct Node {
    pub(crate) place: TempDir,
    process: Child,
    /// What was typed and said; `--no-capture` shows it.
    pub(crate) said: String,
}

impl Node {
    /// Makes certificates and settings as the documentation says, and serves.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// As [`Node::start`], with further sections of settings.
    pub(crate) fn start_with(sections: &str) -> Self {
        Self::start_in(TempDir::new().unwrap(), sections)
    }

    /// As [`Node::start_with`], in a folder in which there may be something.
    pub(crate) fn start_in(place: TempDir, sections: &str) -> Self {
        Self::start_by(Command::new(executable()), place, sections)
    }

    /// As [`Node::start_in`], by a command that runs what is behind it.
    pub(crate) fn start_by(command: Command, place: TempDir, sections: &str) -> Self {
        let pki = place.path().join("pki");
        run(Command::new(executable())
            .args(["pki", "dev", "--out"])
            .arg(&pki));
        let settings = place.path().join("rabt.toml");
        let written = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [tls]\ncert = \"pki/server.pem\"\nkey = \"pki/server.key\"\nclient_ca = \"pki/ca.pem\"\n\
             [secrets]\nfolder = \"passwords\"\n{sections}",
        );
        std::fs::write(&settings, written).unwrap();
        let profile = std::fs::read_to_string(pki.join("profile.toml")).unwrap();
        std::fs::write(pki.join("usual.toml"), profile).unwrap();
        Self {
            process: serve(command, &place),
            place,
            said: String::new(),
        }
    }

    /// Kills the process, as no program can hinder, and starts it again.
    pub(crate) fn kill_and_start(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = serve(Command::new(executable()), &self.place);
    }

    /// Returns the number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Starts a command that goes on beside the test.
    pub(crate) fn begin(&self, line: &str) -> Child {
        let mut command = self.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Types a command; returns what was printed.
    pub(crate) fn type_in(&mut self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{}", self.said);
        format!("{}{}", text(&output.stdout), text(&output.stderr))
    }

    /// Types a command that is refused; returns its exit code and what was printed.
    pub(crate) fn refused(&mut self, line: &str) -> (i32, String) {
        let output = self.run(line);
        let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!output.status.success(), "{}", self.said);
        (output.status.code().unwrap_or(-1), printed)
    }

    fn command(&self, line: &str) -> Command {
        let mut words = split(line).into_iter();
        assert_eq!(words.next().as_deref(), Some("rabt"), "{line}");
        let mut command = Command::new(executable());
        command.args(words).current_dir(self.place.path());
        command.env("RABT_PROFILE", self.place.path().join("pki/profile.toml"));
        command
    }

    fn run(&mut self, line: &str) -> Output {
        let output = self.command(line).output().unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        // Writing into a text cannot fail.
        let _ = write!(self.said, "$ {line}\n{out}{err}\n");
        output
    }

    /// Types what the last command printed, and what that one printed, until one prints nothing to
    /// type; returns how many there were.
    pub(crate) fn follow(&mut self, printed: &str) -> usize {
        let mut waiting: Vec<String> = commands(printed);
        let mut typed = 0;
        while !waiting.is_empty() {
            typed += 1;
            assert!(typed < 20, "it never ends:\n{}", self.said);
            let line = waiting.remove(0);
            let printed = self.type_in(&line);
            let next = commands(&printed);
            if !next.is_empty() {
                waiting = next;
            }
        }
        typed
    }

    pub(crate) fn json(&mut self, line: &str) -> Value {
        serde_json::from_str(&self.type_in(line)).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        eprintln!("{}", self.said);
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves in a folder, and writes where into the profile of whoever types there.
fn serve(mut command: Command, place: &TempDir) -> Child {
    let pki = place.path().join("pki");
    let mut process = command
        .args(["serve", "--json", "--config"])
        .arg(place.path().join("rabt.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(place.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let mut text = String::new();
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        text.push_str(&line.unwrap());
        if let Ok(said) = serde_json::from_str::<Value>(&text) {
            let address = said["address"].as_str().unwrap();
            let (_, port) = address.rsplit_once(':').unwrap();
            let usual = std::fs::read_to_string(pki.join("usual.toml")).unwrap();
            let new = usual.replace("localhost:7443", &format!("localhost:{port}"));
            std::fs::write(pki.join("profile.toml"), new).unwrap();
            break;
        }
    }
    process
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Returns the commands that stand alone on a line, indented.
fn commands(printed: &str) -> Vec<String> {
    let lines = printed
        .lines()
        .filter_map(|line| line.strip_prefix("  rabt "));
    lines.map(|line| format!("rabt {line}")).collect()
}

/// Splits at blanks outside of quotes, as a shell does.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
