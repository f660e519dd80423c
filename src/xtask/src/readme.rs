//! The commands of the README, run as they stand there.

use crate::command::{Outcome, command, root, run};

/// Opens a block of commands that must work.
const FENCE: &str = "```sh checked";

/// Runs every block of the README that is marked as checked, each as one shell script.
pub(crate) fn readme() -> Outcome {
    let path = root().join("README.md");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let scripts = checked_blocks(&text);
    if scripts.is_empty() {
        return Err(format!("{}: no block marked `sh checked`", path.display()));
    }
    for script in scripts {
        eprint!("{script}");
        run(command("bash").args(["-euo", "pipefail", "-c", &script]))?;
    }
    Ok(())
}

fn checked_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match open.take() {
            Some(block) if line.trim_end() == "```" => blocks.push(block),
            Some(block) => open = Some(block + line + "\n"),
            None if line.trim_end() == FENCE => open = Some(String::new()),
            None => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::checked_blocks;

    #[test]
    fn only_marked_blocks_are_taken() {
        let text = "```sh\nrm x\n```\n```sh checked\ncargo a\ncargo b\n```\n```text\nc\n```\n";
        assert_eq!(checked_blocks(text), ["cargo a\ncargo b\n"]);
    }
}
