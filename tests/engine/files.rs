//! Files that replace others: who may read and write them, and where links lead.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use melfusion::error::Error;
use melfusion::files;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn replace(path: &Path) -> Result<(), Error> {
    files::replace(path, |file| file.write_all(b"new"))
}

fn rename(path: &Path) -> Result<(), Error> {
    let part = path.with_file_name("part");
    fs::write(&part, "new").unwrap();
    files::rename(&part, path)
}

type Way = fn(&Path) -> Result<(), Error>;

/// The two ways to replace a file.
const WAYS: [Way; 2] = [replace, rename];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// A file that is there already.
fn old(path: &Path, mode: u32) {
    fs::write(path, "old").unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn assert_new(path: &Path) {
    assert_eq!(fs::read(path).unwrap(), b"new", "{}", path.display());
}

#[track_caller]
fn refused(path: &Path) -> String {
    match replace(path).unwrap_err() {
        Error::File { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_replaced_file_keeps_its_mode() {
    let folder = folder();
    let path = folder.path().join("file");
    for way in WAYS {
        for kept in [0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o711, 0o200] {
            old(&path, kept);
            way(&path).unwrap();
            assert_eq!(format!("{:o}", mode(&path)), format!("{kept:o}"));
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert_new(&path);
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn a_replaced_file_keeps_its_group_and_its_owner() {
    let folder = folder();
    let path = folder.path().join("file");
    for way in WAYS {
        old(&path, 0o664);
        // Only an administrator can give a file away, and so begin this.
        if chown(&path, Some(4_242), Some(2_424)).is_ok() {
            fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
            way(&path).unwrap();
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.uid(), found.gid(), mode(&path)), (4_242, 2_424, 0o664));
            assert_new(&path);
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn nobody_may_do_more_with_the_file_while_it_is_written() {
    let folder = folder();
    let path = folder.path().join("file");
    for kept in [0o600, 0o640, 0o660] {
        old(&path, kept);
        files::replace(&path, |file| {
            assert_eq!(file.metadata()?.mode() & 0o777 & !kept, 0, "wider than {kept:o}");
            file.write_all(b"new")
        })
        .unwrap();
    }
}

#[test]
fn a_new_file_is_as_any_new_file() {
    let folder = folder();
    let [ours, any] = ["ours", "any"].map(|name| folder.path().join(name));
    fs::write(&any, "").unwrap();
    replace(&ours).unwrap();
    assert_eq!(mode(&ours), mode(&any));
}

#[test]
fn what_a_link_leads_to_is_replaced_and_the_link_stays() {
    for way in WAYS {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("there")).unwrap();
        old(&at("there/file"), 0o640);
        symlink("there/file", at("link")).unwrap();
        symlink("link", at("link to it")).unwrap();
        way(&at("link to it")).unwrap();
        assert_new(&at("there/file"));
        assert_eq!(mode(&at("there/file")), 0o640);
        assert_eq!(fs::read_link(at("link to it")).unwrap(), Path::new("link"));
        assert_eq!(fs::read_link(at("link")).unwrap(), Path::new("there/file"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}

#[test]
fn what_a_link_leads_to_is_made_if_it_is_not_there() {
    for way in WAYS {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("there")).unwrap();
        symlink("there/file", at("link")).unwrap();
        symlink(at("link"), at("there/back")).unwrap();
        way(&at("there/back")).unwrap();
        assert_new(&at("there/file"));
        assert!(at("link").is_symlink() && at("there/back").is_symlink());
    }
}

#[test]
fn links_that_lead_nowhere_are_refused() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    symlink("gone/file", at("lost")).unwrap();
    assert!(refused(&at("lost")).contains("gone does not exist; create it first"));
    symlink("b", at("a")).unwrap();
    symlink("a", at("b")).unwrap();
    assert!(refused(&at("a")).contains("circle"));
    symlink(".", at("here")).unwrap();
    assert!(refused(&at("here")).contains("is a folder"));
    assert!(["lost", "a", "b", "here"].iter().all(|name| at(name).is_symlink()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn another_hard_link_keeps_the_old_content() {
    let folder = folder();
    let [path, other] = ["path", "other"].map(|name| folder.path().join(name));
    old(&path, 0o600);
    fs::hard_link(&path, &other).unwrap();
    replace(&path).unwrap();
    assert_new(&path);
    assert_eq!(fs::read(&other).unwrap(), b"old");
}

#[test]
fn a_write_that_fails_leaves_the_file_and_its_mode() {
    let folder = folder();
    let path = folder.path().join("file");
    old(&path, 0o640);
    let failed = files::replace(&path, |file| {
        file.write_all(b"ne")?;
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert!(failed.unwrap_err().to_string().contains("disk is full"));
    assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"old".to_vec(), 0o640));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
