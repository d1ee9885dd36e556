//! Where and from what a run was started, for its `meta.json`.

use std::env;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

/// The command line, this library's version, the git commit and whether tracked files differ from it, the host, the
/// system and its number of processors. What cannot be found out is left out.
pub fn environment_meta() -> Map<String, Value> {
    let mut meta = Map::new();
    let argv: Vec<String> = env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    meta.insert("argv".into(), json!(argv));
    meta.insert("versant".into(), json!(env!("CARGO_PKG_VERSION")));
    meta.insert("os".into(), json!(env::consts::OS));
    meta.insert("arch".into(), json!(env::consts::ARCH));
    if let Ok(cpus) = std::thread::available_parallelism() {
        meta.insert("cpus".into(), json!(cpus.get()));
    }
    if let Some(host) = hostname() {
        meta.insert("host".into(), json!(host));
    }
    if let Some(git) = git() {
        meta.insert("git".into(), git);
    }
    meta
}

pub(super) fn hostname() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| env::var("COMPUTERNAME").ok())
        .or_else(|| output("hostname", &[]))?;
    Some(name.trim().to_string()).filter(|name| !name.is_empty())
}

fn git() -> Option<Value> {
    let here = env::current_dir().ok()?;
    here.ancestors().find(|folder| folder.join(".git").exists())?;
    let commit = output("git", &["rev-parse", "HEAD"])?;
    // Without the optional locks a commit made meanwhile is not disturbed.
    let changes = output("git", &["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"])?;
    Some(json!({ "commit": commit.trim(), "dirty": !changes.trim().is_empty() }))
}

/// What a program prints, if it is there and succeeds.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let done = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_every_system_knows() {
        let meta = environment_meta();
        assert_eq!(meta["versant"], env!("CARGO_PKG_VERSION"));
        assert_eq!(meta["os"], env::consts::OS);
        assert!(!meta["argv"].as_array().unwrap().is_empty());
        if let Some(git) = meta.get("git") {
            assert!(git["commit"].as_str().unwrap().len() >= 40 && git["dirty"].is_boolean());
        }
    }

    #[test]
    fn programs_that_fail_or_are_missing_say_nothing() {
        assert_eq!(output("versant-no-such-program", &[]), None);
        assert_eq!(output("git", &["no-such-command"]), None);
    }
}
