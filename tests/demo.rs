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
    for state in ["completed", "withdrawn", "expired", "forwarded", "not_found", "ordinary", "newsletter"] {
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
    let config = story.lines().find_map(|line| line.trim().strip_prefix("export EXPUNGED_CONFIG=")).expect("a config");
    // What the story says to type: our own commands look at it.
    let commands: Vec<&str> = story.lines().filter_map(|line| line.trim().strip_prefix("expunged ")).collect();
    assert!(commands.len() >= 3, "{story}");
    for command in commands {
        let said = look(config, command.split_whitespace().take_while(|word| *word != "#")).await;
        assert!(said.status.success(), "{command}: {}", String::from_utf8_lossy(&said.stderr));
    }
    for verb in
        ["requests show EXP-", "requests note EXP-", "requests account EXP-", "plan ", "check", "trail show EXP-"]
    {
        assert!(story.lines().any(|line| line.trim().starts_with(&format!("expunged {verb}"))), "{verb} in {story}");
    }
    let listed = look(config, ["requests", "list", "--all", "-o", "json"]).await.stdout;
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.iter().filter(|request| request["state"] == "completed").count(), 7);
    let received: Vec<_> = listed.iter().filter(|request| request["state"] == "received").collect();
    assert_eq!(received.len(), 1, "opened anew by the verb that the story names");
    decide(config, received[0]["reference"].as_str().unwrap()).await;
    let at = listed.iter().find(|request| request["state"] == "completed").unwrap()["reference"].as_str().unwrap();
    assert!(look(config, ["trail", "show", at]).await.status.success());
    assert!(look(config, ["trail", "show", at, "--reveal"]).await.status.success());
    assert!(look(config, ["requests", "show", at, "--reveal"]).await.status.success());
    let checked = look(config, ["check"]).await;
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("'expunged run' refuses it"));
    // Nobody is answered from there: the daemon wants a mailer that sends.
    assert_eq!(look(config, ["run"]).await.status.code(), Some(2));
}

/// The team decides on a request of the kept world; what it cannot do is told by the request's state.
async fn decide(config: &str, at: &str) {
    for verb in [
        &["hold", at, "--reason", "Looked into"][..],
        &["release", at],
        &["refuse", at, "--ground", "A claim", "--article", "Art. 17(3)(e) GDPR"],
    ] {
        let said = look(config, [&["requests"][..], verb].concat()).await;
        assert!(said.status.success(), "{verb:?}: {}", String::from_utf8_lossy(&said.stderr));
    }
    let said = look(config, ["requests", "withdraw", at]).await;
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(4), "{words}");
    assert!(words.contains("was refused (refused)"), "{words}");
}

async fn look(config: &str, arguments: impl IntoIterator<Item = &str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_expunged"));
    command.args(arguments).env_clear().env("EXPUNGED_CONFIG", config).stdin(std::process::Stdio::null());
    command.kill_on_drop(true).output().await.expect("it runs")
}

#[tokio::test]
async fn programs_read_its_end_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let ran = demo(&["-o", "json"], folder.path()).await;
    let lines: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON on stdout");
    assert!(lines.as_array().unwrap().iter().all(|line| line["good"] == true), "{lines}");
    // What was understood is told of every letter, also where nobody was asked to confirm it.
    let understood = |letter: &str| {
        let line = lines.as_array().unwrap().iter().find(|line| line["letter"] == letter);
        line.unwrap_or_else(|| panic!("{letter} in {lines}"))["understood"].as_str().unwrap().to_owned()
    };
    for (letter, intent) in [
        ("owner closes the account", "erasure_account"),
        ("user deletes an end-user", "erasure_end_user"),
        ("general: delete my data", "erasure_generic"),
        ("end-user asks for themself", "erasure_generic"),
        ("unknown address", "erasure_account"),
        ("newsletter", "newsletter"),
        ("ordinary question", "ordinary"),
    ] {
        assert_eq!(understood(letter), intent, "{letter}");
    }
}

#[tokio::test]
async fn a_kept_world_is_found_also_when_the_demo_ends_in_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_expunged"));
    command.args(["demo", "--keep"]).env_clear().env("TMPDIR", folder.path()).kill_on_drop(true);
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let mut demo = command.stderr(std::process::Stdio::piped()).spawn().expect("it runs");
    // The table at the end cannot be written: nobody reads it.
    drop(demo.stdout.take());
    let ran = demo.wait_with_output().await.expect("it ends");
    let story = String::from_utf8(ran.stderr).unwrap();
    let kept = worlds(folder.path()).pop().expect("a world is left");
    assert!(!story.contains("counted in the stores"), "it did not come to its end: {story}");
    assert!(story.contains(&format!("The world is kept in {}", kept.display())), "{story}");
}
