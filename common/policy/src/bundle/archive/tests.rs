use std::io::Write as _;

use super::*;

fn limits() -> Limits {
    Limits::default()
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

/// A tar with entries of any kind and name, which the writer above would never make.
fn tar_of(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (entry_type, name, content) in entries {
        tar.append(&header(*entry_type, name, content.len()), *content)
            .unwrap();
    }
    tar.into_inner().unwrap()
}

fn archive_of(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
    gzip(&tar_of(entries))
}

#[test]
fn what_was_written_is_read() {
    let long = format!("{}/data.json", "folder/".repeat(40).trim_end_matches('/'));
    let written: Vec<(&str, &[u8])> = vec![
        ("a.rego", b"package a"),
        ("b/data.json", b"{}"),
        ("e", b""),
        (&long, b"[1]"),
    ];
    let archive = write(written.clone()).unwrap();
    assert_eq!(
        archive,
        write(written.clone()).unwrap(),
        "the same files make the same bytes"
    );
    let read: Vec<(String, Vec<u8>)> = read(&archive, &limits()).unwrap().into_iter().collect();
    let expected: Vec<(String, Vec<u8>)> = written
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.to_vec()))
        .collect();
    assert_eq!(read, expected);
}

#[test]
fn a_slash_or_a_dot_in_front_means_the_root_and_folders_are_passed_over() {
    let archive = archive_of(&[
        (EntryType::Directory, "./", b""),
        (EntryType::Directory, "a/", b""),
        (EntryType::Regular, "/x", b"1"),
        (EntryType::Regular, "./y", b"2"),
        (EntryType::Regular, "a/z", b"3"),
    ]);
    let files = read(&archive, &limits()).unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["a/z", "x", "y"]);
}

#[test]
fn paths_that_climb_out_or_are_ambiguous_are_refused() {
    for path in [
        "../x",
        "a/../../x",
        "/../x",
        "//etc/passwd",
        "a//b",
        "a/./b",
        "a\\b",
        "..",
        ".",
        "/",
        "././x",
        "a/",
    ] {
        let archive = archive_of(&[(EntryType::Regular, path, b"x")]);
        let error = read(&archive, &limits()).expect_err(path);
        assert!(matches!(error, BundleError::Path { .. }), "{path}: {error}");
    }
    let archive = archive_of(&[(EntryType::Regular, "x", b"x")]);
    let mut tar = tar_of(&[(EntryType::Regular, "x", b"x")]);
    assert!(read(&archive, &limits()).is_ok());
    // A name that isn't UTF-8, under a right checksum.
    let mut bad = header(EntryType::Regular, "x", 1);
    bad.as_old_mut().name[0] = 0xff;
    bad.set_cksum();
    tar[..512].copy_from_slice(bad.as_bytes());
    let error = read(&gzip(&tar), &limits()).unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn links_and_devices_are_refused_by_kind() {
    let kinds = [
        (EntryType::Symlink, "symbolic link"),
        (EntryType::Link, "hard link"),
        (EntryType::Char, "device"),
        (EntryType::Block, "device"),
        (EntryType::Fifo, "named pipe"),
        (EntryType::Continuous, "unknown kind"),
    ];
    for (entry_type, name) in kinds {
        let error = read(&archive_of(&[(entry_type, "data.json", b"")]), &limits())
            .unwrap_err()
            .to_string();
        assert!(error.contains("`data.json`") && error.contains(name), "{error}");
    }
}

#[test]
fn one_path_under_two_spellings_is_refused() {
    let archive = archive_of(&[
        (EntryType::Regular, "/a.rego", b"1"),
        (EntryType::Regular, "./a.rego", b"2"),
    ]);
    assert_eq!(
        read(&archive, &limits()),
        Err(BundleError::Duplicate {
            path: "a.rego".to_owned()
        })
    );
}

#[test]
fn a_gzip_bomb_is_noticed_at_the_bound() {
    let zeros = vec![0_u8; 4 * 1024 * 1024];
    let archive = archive_of(&[(EntryType::Regular, "bomb", &zeros)]);
    assert!(archive.len() < 64 * 1024);
    let small = Limits {
        inflated_bytes: 1024 * 1024,
        ..limits()
    };
    let expected = BundleError::TooLarge {
        what: "bytes when inflated",
        limit: 1024 * 1024,
    };
    assert_eq!(read(&archive, &small), Err(expected.clone()));
    // The same, hidden behind the end of the tar, and in many files, and in an extended header.
    let mut hidden = tar_of(&[(EntryType::Regular, "a", b"1")]);
    hidden.extend_from_slice(&zeros);
    assert_eq!(read(&gzip(&hidden), &small), Err(expected.clone()));
    let many: Vec<(EntryType, &str, &[u8])> = ["a", "b", "c", "d"]
        .map(|n| (EntryType::Regular, n, &zeros[..500_000]))
        .to_vec();
    assert_eq!(read(&archive_of(&many), &small), Err(expected.clone()));
    let extended = archive_of(&[
        (EntryType::GNULongName, "././@LongLink", &zeros),
        (EntryType::Regular, "a", b""),
    ]);
    assert_eq!(read(&extended, &small), Err(expected));
}

#[test]
fn the_bounds_of_archive_files_and_paths_hold() {
    let archive = archive_of(&[(EntryType::Regular, "a", b"1"), (EntryType::Regular, "b", b"2")]);
    let tight = Limits {
        archive_bytes: archive.len() - 1,
        ..limits()
    };
    assert!(read(&archive, &tight).unwrap_err().to_string().contains("bytes"));
    let tight = Limits { files: 1, ..limits() };
    assert_eq!(
        read(&archive, &tight),
        Err(BundleError::TooLarge {
            what: "files",
            limit: 1
        })
    );
    let tight = Limits {
        path_bytes: 0,
        ..limits()
    };
    assert!(
        read(&archive, &tight)
            .unwrap_err()
            .to_string()
            .contains("too long")
    );
}

#[test]
fn what_is_cut_short_is_refused_at_every_length() {
    let archive = write([
        ("a.rego", b"package a".as_slice()),
        ("data.json", b"{}".as_slice()),
    ])
    .unwrap();
    for length in 0..archive.len() {
        assert!(
            read(&archive[..length], &limits()).is_err(),
            "{length} of {} bytes",
            archive.len()
        );
    }
    // A tar that promises more than it holds, in a sound gzip.
    let mut tar = tar_of(&[(EntryType::Regular, "a", b"1")]);
    tar[..512].copy_from_slice(header(EntryType::Regular, "a", 100_000).as_bytes());
    assert!(
        read(&gzip(&tar), &limits())
            .unwrap_err()
            .to_string()
            .contains("cut short")
    );
}

#[test]
fn what_follows_the_gzip_is_refused() {
    let mut archive = write([("a", b"1".as_slice())]).unwrap();
    archive.extend_from_slice(b"trailing");
    assert!(matches!(read(&archive, &limits()), Err(BundleError::Archive(_))));
    assert!(matches!(read(b"", &limits()), Err(BundleError::Archive(_))));
    assert!(matches!(
        read(b"not a gzip", &limits()),
        Err(BundleError::Archive(_))
    ));
}
