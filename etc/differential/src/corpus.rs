//! Seeds for the fuzz targets of `etc/fuzz`: parts of generated blocks, as bytes. Must not know what is done with them.

use crate::{Case, Tally, generate, play};
use alloy_consensus::Typed2718;
use alloy_eips::eip2718::Encodable2718;
use bridge::blob;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Seeds are kept in the repository: longer ones are left out.
const LEN_MAX: usize = 12_000;
/// Files of one kind, at most.
const COUNT_MAX: usize = 3;
/// Seeds that are looked at.
const SEEDS: u64 = 60;

/// Writes the corpus of blocks from `seed` on into `folder`, and says how many files it has. What is there stays.
pub fn write(seed: u64, folder: &Path) -> io::Result<usize> {
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut keep = |kind: &str, bytes: Vec<u8>| {
        let count = counts.entry(kind.to_owned()).or_default();
        if bytes.len() <= LEN_MAX && *count < COUNT_MAX {
            files.insert(PathBuf::from(format!("{kind}-{count}")), bytes);
            *count += 1;
        }
    };
    let mut sample = None;
    for seed in seed..seed + SEEDS {
        let played = play::play(&generate::plan(seed), &mut Tally::default(), |case, _| {
            parts(case, &mut keep);
            let encoded = case.input.encode();
            let telling = case.executed.receipts.len() > 4 && case.input.witness.headers.len() > 1;
            if telling && encoded.len() <= LEN_MAX && sample.is_none() {
                sample = Some(encoded);
            }
            Ok(())
        });
        played.map_err(|disagreement| io::Error::other(disagreement.to_string()))?;
    }
    let sample = sample.ok_or_else(|| io::Error::other("no block is small and telling enough for a sample"))?;
    files.insert(PathBuf::from("input/sample"), sample);
    // Edits of the sample: each kind alone, then two together.
    for what in 0..16u8 {
        files.insert(PathBuf::from(format!("witness/edit-{what:02}")), vec![what, 3, 0, 40, 1, what, 90, 0, 9, 7]);
    }
    for (path, bytes) in &files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, bytes)?;
    }
    Ok(files.len())
}

fn parts(case: &Case, keep: &mut impl FnMut(&str, Vec<u8>)) {
    let executed = &case.executed;
    let tagged = |tag: u8, bytes: &[u8]| [&[tag], bytes].concat();
    let block = executed.block.clone().into_block();
    keep("input/block", case.input.encode());
    keep("rlp/header", tagged(0, &alloy_rlp::encode(&block.header)));
    if !executed.receipts.is_empty() {
        keep("rlp/block", tagged(1, &alloy_rlp::encode(&block)));
        keep("bal/list", executed.bal.to_vec());
    }
    for (tx, receipt) in block.body.transactions.iter().zip(&executed.receipts) {
        keep(&format!("rlp/transaction-type{}", tx.ty()), tagged(2, &tx.encoded_2718()));
        keep(&format!("rlp/receipt-type{}", tx.ty()), tagged(3, &receipt.encoded_2718()));
    }
    let transactions: Vec<_> = block.body.transactions.iter().map(|tx| tx.encoded_2718()).collect();
    let data = blob::encode(&executed.bal, &transactions);
    keep("blobs/as-built", [&[0, 50, 0, 0], &data[..]].concat());
    keep("blobs/at-will", [&[1, 0, 0, 0], &data[..]].concat());
    keep("blobs/spoilt", [&[7, 0, 0, 9], &data[..]].concat());
}
