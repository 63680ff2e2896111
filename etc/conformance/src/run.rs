//! Finds cases and chains in a folder, serves each chain, and asks.

use crate::{
    case::{self, Case, FILE_BYTES_MAX},
    compare,
    schema::Schemas,
};
use basalt_vectors::{
    cases::chain,
    folder::{self, Found},
    limits,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// The chain beside, or above, the cases.
const CHAIN: &str = "chain.rlp";
/// The OpenRPC document, anywhere in the folder.
const SCHEMAS: &str = "openrpc.json";
/// Longest wait for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Folder with packs and files in any nesting, or one of them.
    pub root: PathBuf,
    /// Where packs are unpacked to.
    pub cache: PathBuf,
    /// Only cases in whose name this occurs.
    pub filter: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Cases that passed.
    pub passed: u64,
    /// Names of those that did not, each with what was wrong.
    pub failed: Vec<(String, Vec<String>)>,
    /// Methods of the OpenRPC document; 0 when there was none.
    pub schemas: usize,
}

/// Runs all cases below the root.
///
/// # Errors
/// When the folder can't be read. Everything else is a failure in the report.
pub async fn run(options: &Options) -> std::io::Result<Report> {
    let (root, cache) = (options.root.clone(), options.cache.clone());
    let folder = tokio::task::spawn_blocking(move || folder::find(&root, &cache)).await??;
    let mut report = Report::default();
    report.failed.extend(folder.broken.into_iter().map(|(name, why)| (name, vec![why])));
    let schemas = schemas(&folder.files, &mut report);
    report.schemas = schemas.len();
    for (chain, cases) in by_chain(&folder.files, options.filter.as_deref(), &mut report) {
        let node = match serve(chain).await {
            Ok(node) => node,
            Err(why) => {
                report.failed.push((chain.name.clone(), vec![why]));
                continue;
            }
        };
        let asker =
            Asker { client: reqwest::Client::new(), url: format!("http://{}", node.address), schemas: &schemas };
        for file in cases {
            let faults = match read(file) {
                Ok(case) => asker.faults(&case).await,
                Err(why) => vec![why],
            };
            if faults.is_empty() {
                report.passed += 1;
            } else {
                report.failed.push((file.name.clone(), faults));
            }
        }
        node.stop(Duration::from_secs(1)).await;
    }
    report.failed.sort();
    Ok(report)
}

fn schemas(files: &[Found], report: &mut Report) -> Schemas {
    let Some(file) = files.iter().find(|file| has_name(&file.path, SCHEMAS)) else { return Schemas::default() };
    let text = limits::read_text(&file.path).map_err(|error| error.to_string());
    let document = text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    document.and_then(|document| Schemas::of(&document)).unwrap_or_else(|why| {
        report.failed.push((file.name.clone(), vec![why]));
        Schemas::default()
    })
}

/// Each chain with the cases in its folder or below it, the nearest one if there are several.
fn by_chain<'a>(files: &'a [Found], filter: Option<&str>, report: &mut Report) -> Vec<(&'a Found, Vec<&'a Found>)> {
    let chains: BTreeMap<&Path, &Found> = files
        .iter()
        .filter(|file| has_name(&file.path, CHAIN))
        .filter_map(|file| Some((file.path.parent()?, file)))
        .collect();
    let mut cases: BTreeMap<&Path, Vec<&Found>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.extension().is_some_and(|extension| extension == "io")) {
        if filter.is_some_and(|filter| !file.name.contains(filter)) {
            continue;
        }
        match file.path.ancestors().find(|folder| chains.contains_key(folder)) {
            Some(folder) => cases.entry(folder).or_default().push(file),
            None => report.failed.push((file.name.clone(), vec![format!("there is no {CHAIN} beside it or above")])),
        }
    }
    cases.into_iter().map(|(folder, cases)| (chains[folder], cases)).collect()
}

fn has_name(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file == name)
}

async fn serve(chain: &Found) -> Result<rpc::Running, String> {
    let path = chain.path.clone();
    let import = move || {
        let bytes = limits::read(&path).map_err(|error| error.to_string())?;
        chain::import(&path, &bytes)
    };
    let chain = tokio::task::spawn_blocking(import).await.map_err(|error| error.to_string())??;
    let gas_limit = chain.head().gas_limit;
    let config = devnet::Config { http_port: 0, execute: false, gas_limit, ..Default::default() };
    devnet::serve(chain, config).await.map_err(|error| error.to_string())
}

fn read(file: &Found) -> Result<Case, String> {
    if file.bytes > FILE_BYTES_MAX {
        return Err(format!("more than {FILE_BYTES_MAX} bytes"));
    }
    case::parse(&limits::read_text(&file.path).map_err(|error| error.to_string())?)
}

/// Asks one node.
struct Asker<'a> {
    client: reqwest::Client,
    url: String,
    schemas: &'a Schemas,
}

impl Asker<'_> {
    /// What is wrong with the answers to a case; nothing when it passes.
    async fn faults(&self, case: &Case) -> Vec<String> {
        let mut faults = Vec::new();
        for turn in &case.turns {
            let given = match self.ask(&turn.request).await {
                Ok(given) => given,
                Err(why) => {
                    faults.push(why);
                    return faults;
                }
            };
            let request: Value = serde_json::from_str(&turn.request).unwrap_or_default();
            let method = request["method"].as_str().unwrap_or_default();
            let mut form = None;
            if let Some(result) = given.get("result") {
                form = self.schemas.faults(method, result);
                faults.extend(form.iter().flatten().map(|fault| format!("{method}'s schema: {fault}")));
            }
            // Without a schema, an answer whose form alone counts can't be judged by it.
            let counts_by_form = case.is_spec_only && form.is_some();
            if !counts_by_form {
                faults.extend(compare::differences(&given, &turn.answer));
            }
        }
        faults
    }

    async fn ask(&self, request: &str) -> Result<Value, String> {
        let request = self.client.post(&self.url).header("content-type", "application/json").body(request.to_owned());
        let answer = request.timeout(ANSWER_TIME).send().await.map_err(|error| error.to_string())?;
        let bytes = answer.bytes().await.map_err(|error| error.to_string())?;
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(format!("an answer of {} bytes", bytes.len()));
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("no JSON in the answer: {error}"))
    }
}
