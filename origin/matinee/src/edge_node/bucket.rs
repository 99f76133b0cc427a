//! The bucket that an edge reads closed segments from: what the edge is told of it.
//!
//! In: variables, and for `matinee edge` the layers of its settings. Out: names and values of `edge/answer`. Does not
//! check them. A secret is a variable or a line of the file of keys, never a flag or a key of `matinee.toml`.

use edge_answer::config::{BUCKET, BUCKET_SECRETS, BUCKET_SETTINGS};

use crate::layers::Layers;

/// What the AWS SDK calls the secrets, in the order of [`BUCKET_SECRETS`].
const OF_AWS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// What `matinee up` tells the edge inside: variables alone.
pub(crate) fn of_variables(variable: &dyn Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let said =
        BUCKET_SETTINGS.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?)));
    with_secrets(said.collect(), variable)
}

/// What `matinee edge` tells its component; `line` looks into the file of keys.
pub(super) fn of_layers(
    layers: &mut Layers<'_>,
    line: &dyn Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for variable in BUCKET_SETTINGS {
        let name = variable.trim_start_matches("MATINEE_").to_lowercase();
        let value = layers.value(&name, None, |text| Ok(Some(text.to_owned())));
        said.extend(value.map(|value| (variable.to_owned(), value)));
    }
    with_secrets(said, &|name| layers.variable(name).or_else(|| line(name)))
}

/// With the secrets: our own names if any is set, else those of AWS, which count only beside a bucket.
fn with_secrets(
    mut said: Vec<(String, String)>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let is_own = BUCKET_SECRETS.iter().any(|name| variable(name).is_some());
    let is_named = said.iter().any(|(name, _)| name == BUCKET);
    let names = if is_own { BUCKET_SECRETS } else { OF_AWS };
    if is_own || is_named {
        let found = BUCKET_SECRETS.iter().zip(names);
        said.extend(found.filter_map(|(ours, name)| Some(((*ours).to_owned(), variable(name)?))));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: &[(&str, &str)]) -> Vec<String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let told = of_variables(&variable);
        told.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn the_keys_of_aws_count_beside_a_bucket_and_our_own_names_go_before_them() {
        let aws = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        assert!(told(&aws).is_empty(), "they are the house's");
        let named = [&aws[..], &[("MATINEE_EDGE_BUCKET", "films")]].concat();
        assert_eq!(
            told(&named),
            [
                "MATINEE_EDGE_BUCKET=films",
                "MATINEE_EDGE_BUCKET_KEY_ID=a",
                "MATINEE_EDGE_BUCKET_SECRET=b"
            ]
        );
        let own = [&named[..], &[("MATINEE_EDGE_BUCKET_KEY_ID", "c")]].concat();
        let told = told(&own);
        assert_eq!(
            told,
            ["MATINEE_EDGE_BUCKET=films", "MATINEE_EDGE_BUCKET_KEY_ID=c"],
            "no mixture"
        );
    }
}
