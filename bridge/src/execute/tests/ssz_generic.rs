//! The consensus specification's generic containers, run through the same framing as our own.
//!
//! Reads `ssz-generic.tar.zst` from `$BASALT_VECTORS`, or from `../shared/vectors` beside the workspace where that exists.

use super::super::ssz::{SszError, elements, items, put_items, put_offset, split};
use alloy_primitives::FixedBytes;
use std::{fs, path::PathBuf, process::Command};

/// `VarTestStruct { A: uint16, B: List[uint16, 1024], C: uint8 }`, checked and written again.
fn var_struct(bytes: &[u8]) -> Result<Vec<u8>, SszError> {
    let [b] = split("VarTestStruct", bytes, 7, [2])?;
    uint16s("B", b, 1_024)?;
    Ok([&bytes[..2], &7u32.to_le_bytes(), &bytes[6..7], b].concat())
}

fn uint16s(at: &'static str, bytes: &[u8], max: usize) -> Result<(), SszError> {
    let count = elements::<FixedBytes<2>>(at, bytes)?.len();
    if count > max { Err(SszError::TooMany { at, items: count, max }) } else { Ok(()) }
}

/// `ComplexTestStruct { A: uint16, B: List[uint16, 128], C: uint8, D: ByteList[256], E: VarTestStruct,
/// F: Vector[FixedTestStruct, 4], G: Vector[VarTestStruct, 2] }`.
fn complex_struct(bytes: &[u8]) -> Result<Vec<u8>, SszError> {
    let [b, d, e, g] = split("ComplexTestStruct", bytes, 71, [2, 7, 11, 67])?;
    uint16s("B", b, 128)?;
    if d.len() > 256 {
        return Err(SszError::TooLong { at: "D", bytes: d.len(), max: 256 });
    }
    let e = var_struct(e)?;
    let g = items("G", g, 2, usize::MAX)?;
    if g.len() != 2 {
        return Err(SszError::TooMany { at: "G", items: g.len(), max: 2 });
    }
    let g: Vec<Vec<u8>> = g.into_iter().map(var_struct).collect::<Result<_, _>>()?;

    let mut out = bytes[..2].to_vec();
    put_offset(71, &mut out);
    out.push(bytes[6]);
    put_offset(71 + b.len(), &mut out);
    put_offset(71 + b.len() + d.len(), &mut out);
    out.extend_from_slice(&bytes[15..67]);
    put_offset(71 + b.len() + d.len() + e.len(), &mut out);
    out.extend([b, d, &e].concat());
    put_items(&g, &mut out);
    Ok(out)
}

/// Raw snappy, as the vectors are packed.
fn unsnappy(mut packed: &[u8]) -> Vec<u8> {
    let mut take = |n: usize| {
        let (head, tail) = packed.split_at(n);
        packed = tail;
        head.iter().rev().fold(0usize, |value, byte| value << 8 | usize::from(*byte))
    };
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = take(1);
        length |= (byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let tag = take(1);
        let (count, back) = match tag & 3 {
            0 => {
                let n = match tag >> 2 {
                    long @ 60.. => take(long - 59),
                    short => short,
                };
                for _ in 0..=n {
                    out.push(take(1) as u8);
                }
                continue;
            }
            1 => (4 + (tag >> 2 & 7), (tag >> 5) << 8 | take(1)),
            2 => (1 + (tag >> 2), take(2)),
            _ => (1 + (tag >> 2), take(4)),
        };
        for _ in 0..count {
            out.push(out[out.len() - back]);
        }
    }
    out
}

/// The unpacked vectors, or why there are none. Named by the environment they must be there.
fn unpack() -> Option<tempfile::TempDir> {
    let named = std::env::var_os("BASALT_VECTORS").map(PathBuf::from);
    let dir = named.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"));
    let pack = dir.join("ssz-generic.tar.zst");
    if !pack.exists() {
        assert!(named.is_none(), "BASALT_VECTORS names {}, which has no ssz-generic.tar.zst", dir.display());
        println!("skipped: no {}", pack.display());
        return None;
    }
    let into = tempfile::tempdir().unwrap();
    let tar = into.path().join("pack.tar");
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    run(Command::new("zstd").args(["-q", "-d", "--long=27", "-o"]).arg(&tar).arg(&pack));
    run(Command::new("tar").arg("xf").arg(&tar).arg("-C").arg(into.path()));
    Some(into)
}

#[test]
fn consensus_containers_are_accepted_and_refused_as_specified() {
    let Some(unpacked) = unpack() else { return };
    let containers = unpacked.path().join("ssz-generic/ssz-rs/tests/data/containers");
    let mut seen = [0; 2];
    for (is_valid, verdict) in ["invalid", "valid"].into_iter().enumerate() {
        for case in fs::read_dir(containers.join(verdict)).unwrap() {
            let case = case.unwrap();
            let name = case.file_name().into_string().unwrap();
            let check = match name.split('_').next() {
                Some("VarTestStruct") => var_struct,
                Some("ComplexTestStruct") => complex_struct,
                _ => continue,
            };
            let bytes = unsnappy(&fs::read(case.path().join("serialized.ssz_snappy")).unwrap());
            match check(&bytes) {
                Ok(again) => assert!(is_valid == 1 && again == bytes, "{name} was accepted"),
                Err(e) => assert!(is_valid == 0, "{name}: {e}"),
            }
            seen[is_valid] += 1;
        }
    }
    println!("{} invalid and {} valid containers", seen[0], seen[1]);
    assert!(seen[0] >= 40 && seen[1] >= 100, "{seen:?}");
}
