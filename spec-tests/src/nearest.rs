//! The names that come closest to one that does not exist, for messages. Bounded, because modules name as much
//! as they like.

use strsim::osa_distance;

/// Names that a message shows: more are read by nobody.
pub const SHOWN_MAX: usize = 8;
/// Names that are compared: a module may have 100,000, and a message is not worth that time.
const COMPARED_MAX: usize = 4096;
/// Characters of a name that are compared and shown: names may have 100,000 bytes.
const CHARS_MAX: usize = 60;

/// The text that ends a message about `wanted`: what there is, the closest names first, each with `kind` behind it.
/// Names are quoted.
pub fn exports<K: std::fmt::Display>(wanted: &str, there: impl IntoIterator<Item = (String, K)>) -> String {
    let wanted = head(wanted);
    let mut total = 0_usize;
    let mut near = Vec::new();
    for (name, kind) in there {
        total = total.saturating_add(1);
        if total <= COMPARED_MAX {
            near.push((osa_distance(&wanted, &head(&name)), name, kind));
        }
    }
    if total == 0 {
        return "the module exports nothing".into();
    }
    // Equally close ones stay in the module's order.
    near.sort_by_key(|(distance, ..)| *distance);
    let shown: Vec<_> =
        near.iter().take(SHOWN_MAX).map(|(_, name, kind)| format!("{} ({kind})", quoted(name))).collect();
    let more = match total.saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("the exports are {}{more}", shown.join(", "))
}

/// The name that is closest to `wanted`, if it is close enough to be meant: a third of its letters may differ.
pub fn closest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = head(wanted);
    let far = wanted.chars().count().div_ceil(3);
    let near = names.into_iter().take(COMPARED_MAX).map(|name| (osa_distance(&wanted, &head(name)), name));
    near.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// A name in quotes, cut. As it is: who shows it escapes it.
pub fn quoted(name: &str) -> String {
    let cut = if name.chars().nth(CHARS_MAX).is_some() { "…" } else { "" };
    format!("\"{}{cut}\"", head(name))
}

fn head(name: &str) -> String {
    name.chars().take(CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<(String, &'static str)> {
        list.iter().map(|name| ((*name).to_owned(), "func")).collect()
    }

    #[test]
    fn the_closest_is_meant_only_if_it_is_close() {
        let names = ["storage_read", "storage_write", "caller"];
        assert_eq!(closest("storage_rea", names), Some("storage_read"));
        assert_eq!(closest("storageWrite", names), Some("storage_write"));
        assert_eq!(closest("launch_missiles", names), None);
        assert_eq!(closest("", names), None);
        assert_eq!(closest(&"storage_".repeat(100_000), names), None);
    }

    #[test]
    fn the_closest_stand_first_and_the_rest_is_counted() {
        assert_eq!(exports("x", names(&[])), "the module exports nothing");
        let text = exports("trasnfer", names(&["balance_of", "transfer", "mint"]));
        assert!(text.starts_with("the exports are \"transfer\" (func), "), "{text}");
        assert!(text.contains("\"mint\"") && !text.contains("more"), "{text}");
        let many: Vec<_> =
            (0..100_000).map(|index| (format!("{}{index}", "long".repeat(200)), "func")).collect();
        let text = exports(&"long".repeat(1000), many);
        assert!(text.ends_with(" and 99992 more"), "{text}");
        assert!(text.len() < SHOWN_MAX * 100, "{}", text.len());
    }
}
