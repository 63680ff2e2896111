//! The consensus specification's `ssz_generic` cases: folders of `serialized.ssz_snappy`, with `meta.yaml` (the root) where there is one.
//! The folders name the type. Valid bytes decode and encode back to themselves, invalid ones are refused. What `bridge` frames by
//! hand is framed by hand here too. Must not know blocks.

use crate::limits;
use alloy_primitives::{B256, FixedBytes};
use bridge::execute::ssz::{SszError, elements, items, put_items, put_offset, split};
use libssz::{SszDecode, SszEncode};
use libssz_derive::{HashTreeRoot, SszDecode, SszEncode};
use libssz_merkle::{HashTreeRoot, Sha2Hasher};
use libssz_types::{ProgressiveBitlist, ProgressiveList, SszBitlist, SszBitvector, SszList, SszVector};
use serde::Deserialize;
use std::path::Path;

#[derive(Debug, PartialEq, SszEncode, SszDecode, HashTreeRoot)]
struct SingleFieldTestStruct {
    a: u8,
}

#[derive(Debug, PartialEq, SszEncode, SszDecode, HashTreeRoot)]
struct SmallTestStruct {
    a: u16,
    b: u16,
}

#[derive(Debug, PartialEq, SszEncode, SszDecode, HashTreeRoot)]
struct FixedTestStruct {
    a: u8,
    b: u64,
    c: u32,
}

#[derive(Debug, PartialEq, SszEncode, SszDecode, HashTreeRoot)]
struct VarTestStruct {
    a: u16,
    b: SszList<u16, 1024>,
    c: u8,
}

#[derive(Debug, PartialEq, SszEncode, SszDecode, HashTreeRoot)]
struct ComplexTestStruct {
    a: u16,
    b: SszList<u16, 128>,
    c: u8,
    d: SszList<u8, 256>,
    e: VarTestStruct,
    f: SszVector<FixedTestStruct, 4>,
    g: SszVector<VarTestStruct, 2>,
}

#[derive(Debug, PartialEq, SszEncode, SszDecode, HashTreeRoot)]
struct BitsStruct {
    a: SszBitlist<5>,
    b: SszBitvector<2>,
    c: SszBitvector<1>,
    d: SszBitlist<6>,
    e: SszBitvector<8>,
}

/// What came of some bytes.
type Outcome = Result<(Vec<u8>, B256), String>;

fn check<T: SszDecode + SszEncode + HashTreeRoot>(bytes: &[u8]) -> Outcome {
    let value = T::from_ssz_bytes(bytes).map_err(|error| format!("{error:?}"))?;
    Ok((value.to_ssz(), B256::from(value.hash_tree_root(&Sha2Hasher))))
}

/// Instances for the lengths that the cases have: a length is part of the type.
macro_rules! by_length {
    ($length:expr, $bytes:expr, |$n:ident| $type:ty) => {
        by_length!(@ $length, $bytes, $n, $type, 1 2 3 4 5 6 7 8 9 15 16 17 31 32 33 63 64 65 127 128 256 511 512 513 1024)
    };
    (@ $length:expr, $bytes:expr, $n:ident, $type:ty, $($value:literal)*) => {
        match $length {
            // No vector is empty (SSZ, "Illegal types").
            0 => Some(Err("a type of length zero".into())),
            $($value => {
                const fn of() -> usize { $value }
                const $n: usize = of();
                Some(check::<$type>($bytes))
            })*
            _ => None,
        }
    };
}

/// Decodes `bytes` as the type that `handler` and the name of the case say; `None` when that type is unknown.
fn decode(handler: &str, name: &str, bytes: &[u8]) -> Option<Outcome> {
    let parts: Vec<&str> = name.split('_').collect();
    let number = |at: usize| parts.get(at).and_then(|part| part.parse::<usize>().ok());
    match handler {
        "boolean" => Some(check::<bool>(bytes)),
        "uints" => match number(1)? {
            8 => Some(check::<u8>(bytes)),
            16 => Some(check::<u16>(bytes)),
            32 => Some(check::<u32>(bytes)),
            64 => Some(check::<u64>(bytes)),
            128 => Some(check::<u128>(bytes)),
            256 => Some(check::<[u8; 32]>(bytes)),
            _ => None,
        },
        "basic_vector" => {
            let length = number(2)?;
            match *parts.get(1)? {
                "bool" => by_length!(length, bytes, |N| SszVector<bool, N>),
                "uint8" => by_length!(length, bytes, |N| SszVector<u8, N>),
                "uint16" => by_length!(length, bytes, |N| SszVector<u16, N>),
                "uint32" => by_length!(length, bytes, |N| SszVector<u32, N>),
                "uint64" => by_length!(length, bytes, |N| SszVector<u64, N>),
                "uint128" => by_length!(length, bytes, |N| SszVector<u128, N>),
                "uint256" => by_length!(length, bytes, |N| SszVector<[u8; 32], N>),
                _ => None,
            }
        }
        "basic_progressive_list" => match *parts.get(1)? {
            "bool" => Some(check::<ProgressiveList<bool>>(bytes)),
            "uint8" => Some(check::<ProgressiveList<u8>>(bytes)),
            "uint16" => Some(check::<ProgressiveList<u16>>(bytes)),
            "uint32" => Some(check::<ProgressiveList<u32>>(bytes)),
            "uint64" => Some(check::<ProgressiveList<u64>>(bytes)),
            "uint128" => Some(check::<ProgressiveList<u128>>(bytes)),
            "uint256" => Some(check::<ProgressiveList<[u8; 32]>>(bytes)),
            _ => None,
        },
        "bitvector" => by_length!(number(1)?, bytes, |N| SszBitvector<N>),
        // The cases without delimiter name no length, and are invalid under any.
        "bitlist" => by_length!(number(1).unwrap_or(8), bytes, |N| SszBitlist<N>),
        "progressive_bitlist" => Some(check::<ProgressiveBitlist>(bytes)),
        "containers" => match parts[0] {
            "SingleFieldTestStruct" => Some(check::<SingleFieldTestStruct>(bytes)),
            "SmallTestStruct" => Some(check::<SmallTestStruct>(bytes)),
            "FixedTestStruct" => Some(check::<FixedTestStruct>(bytes)),
            "VarTestStruct" => Some(agree(var_struct(bytes), check::<VarTestStruct>(bytes))),
            "ComplexTestStruct" => Some(agree(complex_struct(bytes), check::<ComplexTestStruct>(bytes))),
            "BitsStruct" => Some(check::<BitsStruct>(bytes)),
            _ => None,
        },
        _ => None,
    }
}

/// `bridge`'s framing has to say what the codec says.
fn agree(framed: Result<Vec<u8>, SszError>, decoded: Outcome) -> Outcome {
    match (framed, decoded) {
        (Ok(framed), Ok((encoded, _))) if framed != encoded => Ok((framed, B256::ZERO)),
        (Ok(_), Ok(decoded)) => Ok(decoded),
        (Err(error), Err(_)) => Err(error.to_string()),
        // Neither verdict alone is right for both kinds of case, so it is written as what fails either.
        (Ok(_), Err(error)) => Ok((format!("bridge accepts, libssz: {error}").into_bytes(), B256::ZERO)),
        (Err(error), Ok(_)) => Ok((format!("libssz accepts, bridge: {error}").into_bytes(), B256::ZERO)),
    }
}

/// `VarTestStruct { A: uint16, B: List[uint16, 1024], C: uint8 }`, framed by `bridge` and written again.
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
/// F: Vector[FixedTestStruct, 4], G: Vector[VarTestStruct, 2] }`, likewise.
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

#[derive(Deserialize)]
struct Meta {
    root: Option<B256>,
}

/// Runs the case in the folder of `file`, whose packed bytes are `packed`.
pub(super) fn run(file: &Path, packed: &[u8]) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let part = |up: usize| folder.ancestors().nth(up).and_then(Path::file_name).and_then(|name| name.to_str());
    let (Some(name), Some(verdict), Some(handler)) = (part(0), part(1), part(2)) else {
        return Err("the folders do not say what this is".into());
    };
    let len = snap::raw::decompress_len(packed).map_err(|error| error.to_string())?;
    if len > limits::SNAPPY_BYTES_MAX {
        return Err(format!("it would unpack to {len} bytes"));
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(packed).map_err(|error| error.to_string())?;
    let outcome = decode(handler, name, &bytes).ok_or_else(|| format!("the type of {handler}/{name} is unknown"))?;
    let (encoded, root) = match (verdict, outcome) {
        ("invalid", Err(_)) => return Ok(()),
        ("invalid", Ok(_)) => return Err("invalid bytes are accepted".into()),
        ("valid", Ok(decoded)) => decoded,
        ("valid", Err(error)) => return Err(format!("refused: {error}")),
        (other, _) => return Err(format!("the folder is called {other}, neither valid nor invalid")),
    };
    if encoded != bytes {
        return Err("it encodes to other bytes".into());
    }
    let Ok(meta) = limits::read_text(&folder.join("meta.yaml")) else { return Ok(()) };
    let meta: Meta = serde_yaml_ng::from_str(&meta).map_err(|error| format!("meta.yaml: {error}"))?;
    match meta.root {
        Some(expected) if expected != root => Err(format!("the root is {root}, expected {expected}")),
        _ => Ok(()),
    }
}
