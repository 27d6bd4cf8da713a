//! Runs script files named on a command line.

use crate::{Backend, Options, Report, run_script};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// A file or directory that could not be read.
#[derive(Debug)]
pub struct FileError {
    /// Which one.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Runs each file, and each `.wast` file directly or deeper inside each directory, in the order of their
/// names. A directory reached through a symbolic link is not entered, so that the walk ends.
pub fn run_paths<P: AsRef<Path>>(
    paths: &[P],
    backend: &mut dyn Backend,
    options: &Options,
) -> Result<Report, FileError> {
    let mut report = Report::default();
    for path in paths {
        let path = path.as_ref();
        let mut files = Vec::new();
        let meta = fs::metadata(path).map_err(|source| FileError { path: path.to_owned(), source })?;
        if meta.is_dir() {
            collect(path, &mut files)?;
        } else {
            files.push(path.to_owned());
        }
        for file in files {
            let source =
                fs::read_to_string(&file).map_err(|source| FileError { path: file.clone(), source })?;
            report.merge(run_script(&file.to_string_lossy(), &source, backend, options));
        }
    }
    Ok(report)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), FileError> {
    let failed = |source| FileError { path: directory.to_owned(), source };
    let mut entries =
        fs::read_dir(directory).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "wast") {
            files.push(path);
        }
    }
    Ok(())
}
