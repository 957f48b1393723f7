//! The README's first command: the demo tells its story, finds every outcome as expected, and ends by itself.

use std::process::Output;

use tokio::process::Command;

/// The demo, as somebody calls it who just cloned the project: no config, no environment of ours.
async fn demo(arguments: &[&str], folder: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_expunged"));
    command.arg("demo").args(arguments).env_clear().env("TMPDIR", folder).stdin(std::process::Stdio::null());
    command.kill_on_drop(true).output().await.expect("it runs")
}

fn worlds(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn every_outcome_is_the_expected_one_and_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let ran = demo(&[], folder.path()).await;
    let (table, story) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert!(ran.status.success(), "{}\n{story}\n{table}", ran.status);
    assert!(story.contains("everything is as expected"), "{story}");
    assert!(!table.contains("NO:"), "{table}");
    let told = ["completed", "not_found", "needs_review", "ordinary", "newsletter", "expired"];
    for state in told.iter().filter(|state| **state != "needs_review") {
        assert!(table.contains(state), "{state} in\n{table}");
    }
    assert_eq!(worlds(folder.path()), Vec::<std::path::PathBuf>::new(), "its world is gone");
}

#[tokio::test]
async fn a_world_that_is_kept_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let ran = demo(&["--keep"], folder.path()).await;
    let story = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{}\n{story}", ran.status);
    let kept = worlds(folder.path()).pop().expect("a world is left");
    assert!(story.contains(&kept.display().to_string()), "the story says where: {story}");
    assert!(kept.join("ledger.db").exists() || walk(&kept).iter().any(|file| file.ends_with("ledger.db")), "{kept:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    worlds(folder).into_iter().flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
