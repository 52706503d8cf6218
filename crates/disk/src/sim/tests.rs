//! That the simulated disk loses what it may lose, and nothing else.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;

use super::*;

const A: &str = "/d/a";

/// A folder and a file in it, both durable with their names.
fn disk_with_file(seed: u64, contents: &[u8]) -> SimDisk {
    let disk = SimDisk::new(seed);
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    let file = disk.create_new(Path::new(A)).unwrap();
    file.write_all_at(contents, 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk
}

fn read(disk: &SimDisk, path: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(Path::new(path))?;
    let mut out = vec![0; file.len()? as usize];
    file.read_exact_at(&mut out, 0)?;
    Ok(out)
}

fn fail(call: Call, after: u64, fault: Fault) -> Rule {
    Rule { call: Some(call), after, times: 1, fault }
}

#[test]
fn keeps_what_was_synced_and_any_part_of_the_rest() {
    let mut seen = HashSet::new();
    for seed in 0..400 {
        let disk = disk_with_file(seed, &[1; 4096]);
        let file = disk.open(Path::new(A)).unwrap();
        file.write_all_at(&[2; 8192], 4096).unwrap();
        assert_eq!(read(&disk, A).unwrap().len(), 12_288, "a running program sees its writes");
        let disk = disk.power_cut();
        let after = read(&disk, A).unwrap();
        assert_eq!(after[..4096], [1; 4096]);
        assert!(after[4096..].iter().all(|b| *b == 2 || *b == 0));
        let sectors: Vec<bool> = after[4096..].chunks(512).map(|s| s[0] == 2).collect();
        assert!(after[4096..].chunks(512).all(|s| s.iter().all(|b| *b == s[0])), "a sector is whole");
        seen.insert(sectors);
    }
    assert!(seen.contains(&vec![]) && seen.contains(&vec![true; 16]) && seen.len() > 50, "{}", seen.len());
}

#[test]
fn the_same_seed_means_the_same_accident() {
    let run = |seed| {
        let disk = disk_with_file(seed, &[1; 100]);
        for i in 0..20 {
            let file = disk.create_new(Path::new(&format!("/d/{i}"))).unwrap();
            file.write_all_at(&[i; 3000], 0).unwrap();
        }
        let disk = disk.power_cut();
        let files = disk.files();
        let contents: Vec<_> = files.iter().map(|f| read(&disk, f.to_str().unwrap()).unwrap()).collect();
        (files, contents)
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn names_are_lost_until_their_folder_is_synced() {
    let (mut lost, mut kept) = (0, 0);
    for seed in 0..100 {
        let disk = disk_with_file(seed, b"old");
        let file = disk.create_new(Path::new("/d/b")).unwrap();
        file.write_all_at(b"new", 0).unwrap();
        file.sync().unwrap();
        disk.rename(Path::new("/d/b"), Path::new(A)).unwrap();
        let disk = disk.power_cut();
        match read(&disk, A).unwrap().as_slice() {
            b"old" => lost += 1,
            b"new" => kept += 1,
            other => panic!("a rename is whole or not at all: {other:?}"),
        }
    }
    assert!(lost > 10 && kept > 10, "{lost} {kept}");
}

#[test]
fn a_folder_takes_its_files_with_it() {
    let mut lost = 0;
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        disk.create_dir_all(Path::new("/x/y")).unwrap();
        let file = disk.create_new(Path::new("/x/y/f")).unwrap();
        file.sync().unwrap();
        disk.sync_dir(Path::new("/x/y")).unwrap();
        disk.sync_dir(Path::new("/x")).unwrap();
        let disk = disk.power_cut();
        lost += u32::from(disk.files().is_empty());
    }
    assert!(lost > 10, "the name of /x was never synced");
}

#[test]
fn a_kill_loses_nothing_but_handles_and_locks() {
    let disk = disk_with_file(1, b"one");
    let file = disk.open(Path::new(A)).unwrap();
    let lock = disk.lock(Path::new("/d/lock")).unwrap();
    assert_eq!(disk.lock(Path::new("/d/lock")).map(drop).unwrap_err().kind(), ErrorKind::WouldBlock);
    file.write_all_at(b"two", 0).unwrap();
    let next = disk.kill();
    assert!(file.write_all_at(b"six", 0).is_err());
    assert!(disk.open(Path::new(A)).is_err());
    let held = next.lock(Path::new("/d/lock")).unwrap();
    drop(lock);
    assert!(next.lock(Path::new("/d/lock")).is_err(), "an old lock gives nothing back");
    drop(held);
    assert_eq!(read(&next, A).unwrap(), b"two");
}

#[test]
fn a_failed_sync_is_not_made_good_by_a_later_one() {
    let mut lost = 0;
    for seed in 0..100 {
        let disk = disk_with_file(seed, b"old");
        let file = disk.open(Path::new(A)).unwrap();
        file.write_all_at(b"new", 0).unwrap();
        disk.inject(fail(Call::Sync, 0, Fault::Io));
        file.sync().unwrap_err();
        file.sync().unwrap();
        assert_eq!(read(&disk, A).unwrap(), b"new", "the page cache still has it");
        let disk = disk.power_cut();
        lost += u32::from(read(&disk, A).unwrap() == b"old");
    }
    assert!(lost > 10, "{lost}");
}

#[test]
fn fails_the_calls_that_it_was_told_to() {
    let disk = disk_with_file(1, b"");
    let file = disk.open(Path::new(A)).unwrap();
    disk.inject(fail(Call::Write, 1, Fault::NoSpace));
    file.write_all_at(b"a", 0).unwrap();
    assert_eq!(file.write_all_at(b"b", 0).unwrap_err().kind(), ErrorKind::StorageFull);
    file.write_all_at(b"c", 0).unwrap();
    disk.inject(Rule { call: None, after: 0, times: u64::MAX, fault: Fault::Io });
    assert_eq!(disk.list(Path::new("/d")).unwrap_err().raw_os_error(), Some(5));
    let before = disk.calls();
    disk.heal();
    disk.list(Path::new("/d")).unwrap();
    assert_eq!(disk.calls(), before + 1);
}

#[test]
fn is_full_at_its_capacity() {
    let disk = disk_with_file(1, &[0; 100]);
    disk.set_capacity(150);
    assert_eq!(disk.free_space(Path::new("/d")).unwrap(), 50);
    let file = disk.open(Path::new(A)).unwrap();
    file.write_all_at(&[1; 60], 0).unwrap();
    assert_eq!(file.write_all_at(&[1; 60], 100).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(disk.used(), 150, "a part of the write got through");
    assert_eq!(disk.create_new(Path::new("/d/b")).map(drop).unwrap_err().kind(), ErrorKind::StorageFull);
    disk.set_capacity(1000);
    file.write_all_at(&[1; 60], 100).unwrap();
}

#[test]
fn flips_a_bit_for_good() {
    let disk = disk_with_file(1, &[0; 4]);
    disk.flip(Path::new(A), 9).unwrap();
    assert_eq!(read(&disk, A).unwrap(), [0, 2, 0, 0]);
    let disk = disk.power_cut();
    assert_eq!(read(&disk, A).unwrap(), [0, 2, 0, 0]);
    assert!(disk.flip(Path::new(A), 32).is_err());
}

#[test]
fn the_power_goes_in_the_middle_of_a_program() {
    let disk = disk_with_file(1, &[0; 4]);
    let file = disk.open(Path::new(A)).unwrap();
    disk.power_off_after(2);
    file.write_all_at(b"a", 0).unwrap();
    file.sync().unwrap();
    assert!(!disk.is_off());
    file.write_all_at(b"b", 1).unwrap_err();
    file.sync().unwrap_err();
    disk.remove(Path::new(A)).unwrap_err();
    assert!(disk.is_off());
    assert_eq!(read(&disk.power_cut(), A).unwrap(), *b"a\0\0\0");
}
