//! KZG cases: every function of EIP-4844 and EIP-7594, on the setup that the node uses. `output: null` means that the input has
//! to be refused. Must not know blocks.

use alloy_primitives::{B256, U256, hex};
use bridge::opening::{Kzg, MODULUS};
use c_kzg::{Blob, Bytes32, Bytes48, Cell, KzgSettings};
use serde::Deserialize;
use serde_yaml_ng::Value;
use sha2::{Digest, Sha256};

/// Functions that cases name, the longest first where one name begins another.
const FUNCTIONS: &[&str] = &[
    "blob_to_kzg_commitment",
    "compute_blob_kzg_proof",
    "compute_cells_and_kzg_proofs",
    "compute_cells",
    "compute_challenge",
    "compute_kzg_proof",
    "compute_verify_cell_kzg_proof_batch_challenge",
    "recover_cells_and_kzg_proofs",
    "verify_blob_kzg_proof_batch",
    "verify_blob_kzg_proof",
    "verify_cell_kzg_proof_batch",
    "verify_kzg_proof",
];

/// A case.
#[derive(Deserialize)]
pub(super) struct Case {
    input: Value,
    output: Value,
}

impl Case {
    /// Reads a YAML file; `None` when it is not of this kind.
    pub(super) fn parse(yaml: &str) -> Option<Self> {
        serde_yaml_ng::from_str(yaml).ok().filter(|case: &Self| case.input.is_mapping())
    }

    /// The function under test: a folder names it, or else the input's fields and the output do.
    pub(super) fn function(&self, folders: &str) -> Option<&'static str> {
        let named = |part: &str| FUNCTIONS.iter().find(|name| part.starts_with(**name));
        if let Some(name) = folders.rsplit(['/', '\\']).find_map(named) {
            return Some(name);
        }
        let has = |key: &str| self.input.get(key).is_some();
        let pair = self.output.as_sequence().is_some_and(|output| output.len() == 2);
        Some(match () {
            () if has("cosets_evals") => "compute_verify_cell_kzg_proof_batch_challenge",
            () if has("commitments") && has("cells") => "verify_cell_kzg_proof_batch",
            () if has("cells") => "recover_cells_and_kzg_proofs",
            () if has("blobs") => "verify_blob_kzg_proof_batch",
            () if has("y") => "verify_kzg_proof",
            () if has("z") => "compute_kzg_proof",
            () if has("blob") && has("proof") => "verify_blob_kzg_proof",
            // Two functions take this; what a refused one is doesn't show.
            () if has("blob") && has("commitment") && self.output.is_null() => "compute_blob_kzg_proof",
            () if has("blob") && has("commitment") => {
                let short = self.output.as_str().is_some_and(|output| output.len() <= 66);
                if short { "compute_challenge" } else { "compute_blob_kzg_proof" }
            }
            () if has("blob") && pair => "compute_cells_and_kzg_proofs",
            () if has("blob") && self.output.is_sequence() => "compute_cells",
            () if has("blob") => "blob_to_kzg_commitment",
            () => return None,
        })
    }

    /// Computes and compares.
    pub(super) fn run(&self, function: &str) -> Result<(), String> {
        let found = compute(function, &self.input, Kzg::load().settings());
        match (found, &self.output) {
            (Err(_), Value::Null) => Ok(()),
            (Err(error), _) => Err(format!("refused: {error}")),
            (Ok(found), Value::Null) => Err(format!("{} came out of an invalid input", text(&found))),
            (Ok(found), expected) if &found == expected => Ok(()),
            (Ok(found), expected) => Err(format!("{} came out, expected {}", text(&found), text(expected))),
        }
    }
}

fn text(value: &Value) -> String {
    let text = serde_yaml_ng::to_string(value).unwrap_or_default();
    crate::number::short(text.trim()).replace('\n', " ")
}

fn compute(function: &str, input: &Value, kzg: &KzgSettings) -> Result<Value, String> {
    let field = |name: &str| input.get(name).ok_or_else(|| format!("the input has no {name}"));
    let c = |error: c_kzg::Error| format!("{error:?}");
    let value = |bytes: &[u8]| Value::String(hex::encode_prefixed(bytes));
    let cells = |cells: &[Cell]| cells.iter().map(|cell| value(&cell.to_bytes())).collect();
    let proofs = |proofs: &[c_kzg::KzgProof]| proofs.iter().map(|proof| value(proof.to_bytes().as_slice())).collect();
    let pair =
        |first: Vec<Value>, second: Vec<Value>| Value::Sequence(vec![Value::Sequence(first), Value::Sequence(second)]);
    Ok(match function {
        "blob_to_kzg_commitment" => {
            value(kzg.blob_to_kzg_commitment(&blob(field("blob")?)?).map_err(c)?.to_bytes().as_slice())
        }
        "compute_kzg_proof" => {
            let (proof, y) = kzg.compute_kzg_proof(&blob(field("blob")?)?, &bytes32(field("z")?)?).map_err(c)?;
            Value::Sequence(vec![value(proof.to_bytes().as_slice()), value(y.as_slice())])
        }
        "compute_blob_kzg_proof" => {
            let proof = kzg.compute_blob_kzg_proof(&blob(field("blob")?)?, &bytes48(field("commitment")?)?);
            value(proof.map_err(c)?.to_bytes().as_slice())
        }
        "verify_kzg_proof" => {
            let (commitment, proof) = (bytes48(field("commitment")?)?, bytes48(field("proof")?)?);
            let (z, y) = (bytes32(field("z")?)?, bytes32(field("y")?)?);
            Value::Bool(kzg.verify_kzg_proof(&commitment, &z, &y, &proof).map_err(c)?)
        }
        "verify_blob_kzg_proof" => {
            let (commitment, proof) = (bytes48(field("commitment")?)?, bytes48(field("proof")?)?);
            Value::Bool(kzg.verify_blob_kzg_proof(&blob(field("blob")?)?, &commitment, &proof).map_err(c)?)
        }
        "verify_blob_kzg_proof_batch" => {
            let blobs = each(field("blobs")?, blob)?;
            let (commitments, proofs) = (each(field("commitments")?, bytes48)?, each(field("proofs")?, bytes48)?);
            Value::Bool(kzg.verify_blob_kzg_proof_batch(&blobs, &commitments, &proofs).map_err(c)?)
        }
        "compute_cells" => Value::Sequence(cells(&*kzg.compute_cells(&blob(field("blob")?)?).map_err(c)?)),
        "compute_cells_and_kzg_proofs" => {
            let (found, with) = kzg.compute_cells_and_kzg_proofs(&blob(field("blob")?)?).map_err(c)?;
            pair(cells(&*found), proofs(&*with))
        }
        "recover_cells_and_kzg_proofs" => {
            let (indices, known) = (each(field("cell_indices")?, index)?, each(field("cells")?, cell)?);
            let (found, with) = kzg.recover_cells_and_kzg_proofs(&indices, &known).map_err(c)?;
            pair(cells(&*found), proofs(&*with))
        }
        "verify_cell_kzg_proof_batch" => {
            let (commitments, indices) = (each(field("commitments")?, bytes48)?, each(field("cell_indices")?, index)?);
            let (cells, proofs) = (each(field("cells")?, cell)?, each(field("proofs")?, bytes48)?);
            Value::Bool(kzg.verify_cell_kzg_proof_batch(&commitments, &indices, &cells, &proofs).map_err(c)?)
        }
        "compute_challenge" => {
            let (blob, commitment) = (blob(field("blob")?)?, bytes48(field("commitment")?)?);
            let challenge = challenge(&blob, &commitment);
            // c-kzg keeps its challenge to itself, but its proof of a blob is the one at that point.
            if let Ok(proof) = kzg.compute_blob_kzg_proof(&blob, &commitment) {
                let (at, _) = kzg.compute_kzg_proof(&blob, &Bytes32::from(challenge.0)).map_err(c)?;
                if at.to_bytes().as_slice() != proof.to_bytes().as_slice() {
                    return Err("c-kzg's proof is at another point".into());
                }
            }
            value(challenge.as_slice())
        }
        "compute_verify_cell_kzg_proof_batch_challenge" => value(batch_challenge(input)?.as_slice()),
        name => return Err(format!("the function {name} is unknown")),
    })
}

/// `compute_challenge` of EIP-4844's polynomial commitments.
fn challenge(blob: &Blob, commitment: &Bytes48) -> B256 {
    let degree = u128::from(alloy_eips::eip4844::FIELD_ELEMENTS_PER_BLOB).to_be_bytes();
    let blob: &[u8] = &**blob;
    to_field(&[b"FSBLOBVERIFY_V1_", &degree, blob, commitment.as_slice()].concat())
}

/// `compute_verify_cell_kzg_proof_batch_challenge` of EIP-7594's sampling.
fn batch_challenge(input: &Value) -> Result<B256, String> {
    let field = |name: &str| input.get(name).ok_or_else(|| format!("the input has no {name}"));
    let commitments = each(field("commitments")?, bytes48)?;
    let (commitment_indices, cell_indices) =
        (each(field("commitment_indices")?, index)?, each(field("cell_indices")?, index)?);
    let evaluations = each(field("cosets_evals")?, |coset| each(coset, bytes32))?;
    let proofs = each(field("proofs")?, bytes48)?;
    let count = cell_indices.len();
    if commitment_indices.len() != count || evaluations.len() != count || proofs.len() != count {
        return Err("lists of different lengths".into());
    }
    let mut data = b"RCKZGCBATCH__V1_".to_vec();
    let per_cell = c_kzg::FIELD_ELEMENTS_PER_CELL as u64;
    for number in [alloy_eips::eip4844::FIELD_ELEMENTS_PER_BLOB, per_cell, commitments.len() as u64, count as u64] {
        data.extend(number.to_be_bytes());
    }
    data.extend(commitments.iter().flat_map(|commitment| commitment.as_slice().iter().copied()));
    for k in 0..count {
        data.extend(commitment_indices[k].to_be_bytes());
        data.extend(cell_indices[k].to_be_bytes());
        data.extend(evaluations[k].iter().flat_map(|value| value.as_slice().iter().copied()));
        data.extend(proofs[k].as_slice());
    }
    Ok(to_field(&data))
}

fn to_field(data: &[u8]) -> B256 {
    let hash: [u8; 32] = Sha256::digest(data).into();
    (U256::from_be_bytes(hash) % MODULUS).into()
}

fn each<T>(list: &Value, read: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    list.as_sequence().ok_or("not a list")?.iter().map(read).collect()
}

fn raw(value: &Value) -> Result<Vec<u8>, String> {
    let text = value.as_str().ok_or("not a text")?;
    hex::decode(text).map_err(|error| error.to_string())
}

fn blob(value: &Value) -> Result<Blob, String> {
    Blob::from_bytes(&raw(value)?).map_err(|error| format!("{error:?}"))
}

fn cell(value: &Value) -> Result<Cell, String> {
    Cell::from_bytes(&raw(value)?).map_err(|error| format!("{error:?}"))
}

fn bytes32(value: &Value) -> Result<Bytes32, String> {
    Bytes32::from_bytes(&raw(value)?).map_err(|error| format!("{error:?}"))
}

fn bytes48(value: &Value) -> Result<Bytes48, String> {
    Bytes48::from_bytes(&raw(value)?).map_err(|error| format!("{error:?}"))
}

fn index(value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| "not an index".to_owned())
}
