//! From defaults, presets, files and `key=value` words to one checked configuration.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use versant::{Error, Result};

/// Default settings as a table: the keys that there are, and their types.
pub fn table<C: Serialize>(defaults: &C) -> Table {
    match Table::try_from(defaults) {
        Ok(table) => table,
        Err(error) => unreachable!("a configuration is plain data: {error}"),
    }
}

/// Lays `over` on `base`. Every key must be there, and of that type.
///
/// # Errors
/// On an unknown key (with the nearest known one) or a value of another type.
pub fn merge(base: &mut Table, over: &Table) -> Result<()> {
    for (path, value) in leaves(over) {
        set(base, &path, value.clone())?;
    }
    Ok(())
}

/// Applies one `optim.lr=0.05`.
///
/// # Errors
/// On a word without `=`, an unknown key, or a value of another type.
pub fn apply_override(base: &mut Table, word: &str) -> Result<()> {
    let Some((path, text)) = word.split_once('=') else {
        return Err(Error::Config(format!("`{word}` is not of the form key=value, such as optim.lr=0.05")));
    };
    // What is no TOML value is a plain word: data=mnist needs no quotes. More than a line is no value.
    let parsed = format!("v = {text}").parse::<Table>().ok().filter(|_| !text.contains('\n'));
    let parsed = parsed.and_then(|mut t| t.remove("v"));
    set(base, path.trim(), parsed.unwrap_or_else(|| Value::String(text.to_string())))
}

/// The configuration as its struct.
///
/// # Errors
/// When a value does not fit, as a negative number of epochs.
pub fn typed<C: DeserializeOwned>(table: &Table) -> Result<C> {
    table.clone().try_into().map_err(|error: toml::de::Error| {
        Error::Config(error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

/// Every value that is no table, with its dotted path.
fn leaves(table: &Table) -> Vec<(String, &Value)> {
    let inner = |(key, value)| -> Vec<(String, &Value)> {
        let (key, value): (&String, &Value) = (key, value);
        match value {
            Value::Table(inner) => {
                leaves(inner).into_iter().map(|(k, v)| (format!("{key}.{k}"), v)).collect()
            }
            _ => vec![(key.clone(), value)],
        }
    };
    table.iter().flat_map(inner).collect()
}

fn set(base: &mut Table, path: &str, value: Value) -> Result<()> {
    let known: Vec<String> = leaves(base).into_iter().map(|(k, _)| k).collect();
    if !known.iter().any(|k| k == path) {
        let hint = did_you_mean(path, known.iter().map(String::as_str));
        return Err(Error::Config(format!("unknown key `{path}`{hint}; the keys are: {}", known.join(", "))));
    }
    let mut slot = base;
    let (parents, key) = path.rsplit_once('.').map_or((None, path), |(p, k)| (Some(p), k));
    for parent in parents.into_iter().flat_map(|p| p.split('.')) {
        match slot.get_mut(parent) {
            Some(Value::Table(inner)) => slot = inner,
            _ => unreachable!("the path was found among the leaves"),
        }
    }
    let value = match (&slot[key], value) {
        (Value::Float(_), Value::Integer(n)) => Value::Float(n as f64),
        (old, new) if old.same_type(&new) => new,
        (old, new) => {
            return Err(Error::Config(format!("{path} = {new} is {}, it must be {}", kind(&new), kind(old))));
        }
    };
    slot.insert(key.to_string(), value);
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a word",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list, such as [64, 32]",
        Value::Table(_) => "a table",
    }
}

/// "; did you mean `momentum`?" where a known name is near, else nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let likeness = |name: &str| {
        let whole = strsim::jaro_winkler(&word.to_lowercase(), &name.to_lowercase());
        whole.max(strsim::jaro_winkler(&last(word), &last(name)))
    };
    let best = known.into_iter().map(|name| (likeness(name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, name)) if score > 0.75 => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}

/// Collects what is wrong with numbers, so that one message tells all.
#[derive(Default)]
pub struct Check(Vec<String>);

impl Check {
    /// Notes `message` unless `ok`.
    pub fn that(&mut self, ok: bool, message: impl FnOnce() -> String) -> &mut Self {
        if !ok {
            self.0.push(message());
        }
        self
    }

    /// The value must be a number in low..=high.
    pub fn within(&mut self, key: &str, value: f64, low: f64, high: f64) -> &mut Self {
        // A NaN is in no range.
        self.that((low..=high).contains(&value), || {
            format!("{key} is {value}; it must be a number between {low} and {high}")
        })
    }

    /// Nothing, or all that was noted.
    ///
    /// # Errors
    /// With the notes, when there are any.
    pub fn done(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Config(self.0.join("; "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Table {
        "epochs = 12\ndata = 'auto'\nhidden = [64, 32]\n[optim]\nlr = 0.01\nmomentum = 0.0".parse().unwrap()
    }

    #[test]
    fn overrides_keep_types() {
        let mut table = base();
        for word in ["optim.lr=1", "epochs=3", "data=mnist", "hidden=[100]", "optim.momentum=nan"] {
            apply_override(&mut table, word).unwrap();
        }
        assert_eq!(table["optim"]["lr"], Value::Float(1.0));
        assert_eq!(table["epochs"], Value::Integer(3));
        assert_eq!(table["data"], Value::String("mnist".into()));
        assert!(table["optim"]["momentum"].as_float().unwrap().is_nan());
    }

    #[test]
    fn mistakes_are_explained() {
        let error = |word: &str| apply_override(&mut base(), word).unwrap_err().to_string();
        assert!(
            error("optim.momentun=1")
                .starts_with("unknown key `optim.momentun`; did you mean `optim.momentum`?")
        );
        assert!(error("lr=1").contains("did you mean `optim.lr`?"));
        assert!(error("zzz=1").starts_with("unknown key `zzz`; the keys are: "));
        assert_eq!(error("epochs=many"), "epochs = \"many\" is a word, it must be a whole number");
        assert_eq!(error("epochs=0.5"), "epochs = 0.5 is a number, it must be a whole number");
        assert!(error("optim=1").starts_with("unknown key `optim`"));
        assert!(error("epochs").contains("key=value"));
    }

    #[test]
    fn numbers_out_of_range_are_all_named() {
        let mut check = Check::default();
        check.within("lr", f64::NAN, 0.0, 1.0).within("momentum", 2.0, 0.0, 1.0).within("p", 0.5, 0.0, 1.0);
        let text = check.done().unwrap_err().to_string();
        assert_eq!(
            text,
            "lr is NaN; it must be a number between 0 and 1; momentum is 2; it must be a number between 0 and 1"
        );
    }
}
