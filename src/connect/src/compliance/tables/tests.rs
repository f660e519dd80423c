use std::os::unix::fs::PermissionsExt;

use super::*;

/// Returns a maker of a shell script.
fn script(folder: &Path, text: &str) -> TableMaker {
    let program = folder.join("maker");
    std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, executable).unwrap();
    TableMaker::new(program)
}

#[tokio::test]
async fn a_program_that_makes_tables_sees_no_more_of_the_environment_than_it_needs() {
    // What the runner of tests sets stands for a token.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let folder = folder().unwrap();
    let maker = script(
        folder.path(),
        r#"printf '{"state": "%s"}' "$(env | cut -d= -f1 | tr '\n' ' ')""#,
    );
    let answer = maker.ask(&request("state", folder.path())).await.unwrap();
    let names = answer.state.unwrap();
    assert!(names.split(' ').any(|name| name == "PATH"), "{names}");
    let of_the_shell = ["", "PWD", "OLDPWD", "SHLVL", "_"];
    for name in names.split(' ') {
        let kept = is_kept(OsStr::new(name)) || of_the_shell.contains(&name);
        assert!(kept, "{name}");
    }
    for name in [
        "HOME",
        "AWS_SECRET_ACCESS_KEY",
        "PATHS",
        "PGPASSWORD",
        "LCX",
    ] {
        assert!(!is_kept(OsStr::new(name)), "{name}");
    }
    for name in ["LC_ALL", "ODBCSYSINI", "TZ", "LANG"] {
        assert!(is_kept(OsStr::new(name)), "{name}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_an_error() {
    let folder = folder().unwrap();
    for (text, what) in [("yes", "its answer is"), ("yes >&2", "standard error is")] {
        let maker = script(folder.path(), text);
        let error = maker
            .ask(&request("open", folder.path()))
            .await
            .unwrap_err();
        let expected = format!("{what} longer than 1048576 bytes");
        assert!(error.contains(&expected), "{error}");
    }
}
