//! The bytes that are kept do no harm: what the fuzzers begin with, and what they once found.

use std::path::PathBuf;

use pintle_fuzz::TARGETS;

fn corpus() -> PathBuf {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR");
    PathBuf::from(folder.unwrap_or_default()).join("corpus")
}

#[test]
fn every_target_holds_for_what_is_kept() {
    for target in TARGETS {
        let folder = corpus().join(target.name);
        let files = std::fs::read_dir(&folder);
        let files = files.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.expect("the folder can be read").path();
            println!("{}", path.display());
            (target.run)(&std::fs::read(&path).expect("it can be read"));
            count += 1;
        }
        assert!(count > 0, "{} has nothing to begin with", target.name);
    }
}

#[test]
fn every_folder_is_of_a_target() {
    for folder in std::fs::read_dir(corpus()).expect("there is a corpus") {
        let name = folder.expect("it can be read").file_name();
        let is_known = TARGETS.iter().any(|target| name == target.name);
        assert!(is_known, "{} is no target", name.display());
    }
}
