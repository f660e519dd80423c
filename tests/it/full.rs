//! A disk that is full: nothing leaves that the log has no room for, and it goes on when there is some.

use std::path::Path;
use std::process::Command;

use rabt_tests::executable;

use crate::demo::{Demo, paste};

/// Lets a process write into no file beyond so many bytes; the write fails, as on a full disk.
fn limit(process: u32, bytes: &str) {
    let limited = Command::new("prlimit")
        .args([format!("--pid={process}"), format!("--fsize={bytes}")])
        .status();
    assert!(limited.unwrap().success());
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

#[test]
fn an_answer_that_the_log_has_no_room_for_does_not_leave() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    // the signal of a file that is too long would end the process; a full disk sends none
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(executable());
    let (demo, report) = Demo::start_by(command, folder.path());
    let commands = report["commands"].as_array().unwrap();
    let lookup = format!("{} --json", commands[0].as_str().unwrap());
    let (code, said) = paste(&lookup);
    assert!(code == 0 && said.contains("\"agency\""), "{said}");

    let journal = folder.path().join("rabt-audit.db-wal");
    limit(demo.0.id(), &size(&journal).to_string());
    // what is left of the journal is used up first
    let mut answered = 0;
    let refused = loop {
        let (code, said) = paste(&lookup);
        if code != 0 {
            break said;
        }
        answered += 1;
        assert!(answered < 500, "the journal never ends");
    };
    assert!(!refused.contains("\"agency\""), "{refused}");
    let reasons = ["DEFECT", "OVERLOADED"];
    assert!(reasons.iter().any(|one| refused.contains(one)), "{refused}");
    let (code, said) = paste(&lookup);
    assert!(code != 0 && !said.contains("\"agency\""), "{said}");

    limit(demo.0.id(), "unlimited");
    let (code, said) = paste(&lookup);
    assert!(code == 0 && said.contains("\"agency\""), "{said}");
    drop(demo);
    let (code, said) = paste(commands[2].as_str().unwrap());
    assert_eq!(code, 0, "the log is whole: {said}");
}
