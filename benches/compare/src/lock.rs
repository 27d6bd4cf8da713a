//! Versions of the peers, read from the lock file that this program was built with.

const LOCK: &str = include_str!("../Cargo.lock");

/// The version of a package that begins so.
pub fn version(package: &str, begins: &str) -> Option<&'static str> {
    let mut lines = LOCK.lines();
    while let Some(line) = lines.next() {
        let Some(name) = quoted(line, "name = ") else { continue };
        let version = lines.next().and_then(|line| quoted(line, "version = "));
        if name == package && version.is_some_and(|version| version.starts_with(begins)) {
            return version;
        }
    }
    None
}

fn quoted<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    line.strip_prefix(key)?.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_a_package_are_found() {
        assert_eq!(version("wasmi", "2"), Some("2.0.0"));
        assert_eq!(version("wasmi", "1"), Some("1.1.0"));
        assert_eq!(version("no such package", ""), None);
    }
}
