//! A disk that is full: nothing leaves that the log has no room for, and it goes on when there is some.

use std::process::Command;

use rabt_tests::executable;

use crate::demo::{Demo, paste};

/// Lets a process write into no file beyond so many bytes; the write fails, as on a full disk.
fn limit(process: u32, bytes: &str) {
    // the soft limit alone, which everybody may raise again
    let limited = Command::new("prlimit")
        .args([format!("--pid={process}"), format!("--fsize={bytes}:")])
        .status();
    assert!(limited.unwrap().success());
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

    limit(demo.0.id(), "4096");
    for _ in 0..2 {
        let (code, said) = paste(&lookup);
        assert!(code != 0 && !said.contains("\"agency\""), "{said}");
        let reasons = ["DEFECT", "OVERLOADED"];
        assert!(reasons.iter().any(|one| said.contains(one)), "{said}");
    }

    limit(demo.0.id(), "unlimited");
    let (code, said) = paste(&lookup);
    assert!(code == 0 && said.contains("\"agency\""), "{said}");
    drop(demo);
    let (code, said) = paste(commands[2].as_str().unwrap());
    assert_eq!(code, 0, "the log is whole: {said}");
}
