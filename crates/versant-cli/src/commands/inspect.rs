//! `versant inspect`

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use versant::io::{idx, npy, npz, safetensors};
use versant::{Error, Result};

use crate::Global;

/// Look into a safetensors, npy, npz or IDX file
#[derive(Args)]
pub struct Inspect {
    /// The file; its kind is found by its content
    file: PathBuf,
}

impl Inspect {
    pub fn run(&self, global: &Global) -> anyhow::Result<ExitCode> {
        let (value, text) = match kind(&self.file)? {
            Kind::Npy => of_npy(&self.file)?,
            Kind::Npz => of_npz(&self.file)?,
            Kind::Idx => of_idx(&self.file)?,
            Kind::SafeTensors => of_safetensors(&self.file)?,
        };
        global.json(|| value)?;
        // Names come from the file: none may give the terminal orders.
        global.text(text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}"))?;
        Ok(ExitCode::SUCCESS)
    }
}

enum Kind {
    SafeTensors,
    Npy,
    Npz,
    Idx,
}

/// By the first bytes: npy and zip say so, IDX begins with two zeros and gzip with its own mark; safetensors has no
/// mark and begins with the length of its header, which is followed by a brace.
fn kind(path: &Path) -> Result<Kind> {
    let mut head = Vec::new();
    // A named pipe would be waited for.
    if !std::fs::metadata(path).map_err(Error::io("read", path))?.is_file() {
        return Err(Error::format(path, "is not a regular file"));
    }
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    file.take(9).read_to_end(&mut head).map_err(Error::io("read", path))?;
    match &head[..] {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Ok(Kind::Npy),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Ok(Kind::Npz),
        [_, _, _, _, _, _, _, _, b'{'] => Ok(Kind::SafeTensors),
        [0, 0, 8..=14, ..] | [0x1f, 0x8b, ..] => Ok(Kind::Idx),
        _ if path.extension().is_some_and(|e| e == "safetensors") => Ok(Kind::SafeTensors),
        [] => Err(Error::format(path, "is empty")),
        _ => Err(Error::format(
            path,
            "is none of the kinds known: safetensors, npy, npz, IDX (plain or gzipped)",
        )),
    }
}

fn of_npy(path: &Path) -> Result<(Value, String)> {
    let header = npy::inspect(path)?;
    let order = if header.fortran_order { "column by column" } else { "row by row" };
    let value = json!({ "kind": "npy", "dtype": header.descr, "shape": header.shape, "fortran_order": header.fortran_order });
    Ok((value, format!("npy  {}  {:?}, {order}", header.descr, header.shape)))
}

fn of_npz(path: &Path) -> Result<(Value, String)> {
    let members = npz::inspect(path)?;
    let array = |m: &npz::Member| json!({ "name": m.name, "dtype": m.header.descr, "shape": m.header.shape, "fortran_order": m.header.fortran_order, "bytes": m.packed });
    let value = json!({ "kind": "npz", "arrays": members.iter().map(array).collect::<Vec<_>>() });

    let width = members.iter().map(|m| m.name.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = vec!["npz".into()];
    lines.extend(
        members.iter().map(|m| format!("  {:<width$}  {:<5} {:?}", m.name, m.header.descr, m.header.shape)),
    );
    let (packed, size): (u64, u64) = members.iter().fold((0, 0), |(p, s), m| (p + m.packed, s + m.size));
    lines.push(format!("{} arrays, {packed} bytes, {size} unpacked", members.len()));
    Ok((value, lines.join("\n")))
}

fn of_idx(path: &Path) -> Result<(Value, String)> {
    let dims = idx::Idx::header(path)?.dims;
    Ok((json!({ "kind": "idx", "dtype": "u8", "shape": dims }), format!("IDX  u8  {dims:?}")))
}

fn of_safetensors(path: &Path) -> Result<(Value, String)> {
    let file = safetensors::inspect(path)?;
    let tensor = |t: &safetensors::TensorSummary| json!({ "name": t.name, "dtype": t.dtype, "shape": t.shape, "bytes": t.bytes });
    let tensors: Vec<Value> = file.tensors.iter().map(tensor).collect();
    let value = json!({ "kind": "safetensors", "tensors": tensors, "metadata": file.metadata });

    let width = file.tensors.iter().map(|t| t.name.chars().count()).max().unwrap_or(0);
    let elements = |t: &safetensors::TensorSummary| t.shape.iter().product::<usize>();
    let mut lines: Vec<String> = vec!["safetensors".into()];
    for t in &file.tensors {
        lines.push(format!("  {:<width$}  {:<5} {:?}", t.name, t.dtype, t.shape));
    }
    lines.push(format!(
        "{} tensors, {} numbers, {} bytes",
        file.tensors.len(),
        file.tensors.iter().map(elements).sum::<usize>(),
        file.tensors.iter().map(|t| t.bytes).sum::<u64>()
    ));
    lines.extend(file.metadata.iter().map(|(key, value)| format!("{key}: {value}")));
    lines.push(match file.checksum {
        Some(crc) => format!("checksum (CRC-32): {crc:08x}, verified when the file is loaded"),
        None => "no checksum: not written by Versant".into(),
    });
    Ok((value, lines.join("\n")))
}
