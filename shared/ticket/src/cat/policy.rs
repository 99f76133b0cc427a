//! A policy in a CAT.
//!
//! In: [`Policy`], or CBOR. Out: the other. Does not know who checks it. Integers are its names, as in all of CAT, so
//! that other libraries can read the token it stands in.
//!
//! | member | value |
//! |---|---|
//! | 0 | highest picture, as the number of its rung |
//! | 1 | seconds behind the live edge, at most |
//! | 2 | countries allowed, an array of texts |
//! | 3 | countries denied, an array of texts |
//! | 4 | what a session is tied to: 1 the network, 2 the address |
//! | 5 | seconds of preview |
//! | 6 | devices at once |
//! | 7 | watermarked form: 1 is A, 2 is B |

use shared_wire::{Bind, COUNTRIES_MAX, Countries, Country, Policy, Watermark};

use super::Value;

const HEIGHT: i64 = 0;
const DVR: i64 = 1;
const ALLOW: i64 = 2;
const DENY: i64 = 3;
const BIND: i64 = 4;
const PREVIEW: i64 = 5;
const DEVICES: i64 = 6;
const WATERMARK: i64 = 7;

/// The policy as CBOR; a policy for everything has none.
pub(crate) fn write(policy: &Policy) -> Option<Value<'static>> {
    // A new member has no default here: it must be given a number, or the compiler says so.
    let Policy { height_max, dvr_s_max, countries, bind, preview_s, devices_max, watermark } =
        policy;
    let list = |list: &[Country]| {
        Value::Array(list.iter().map(|country| country.to_string().into()).collect())
    };
    let members = [
        (HEIGHT, height_max.map(|height| Value::Int(height.into()))),
        (DVR, dvr_s_max.map(|seconds| Value::Int(seconds.into()))),
        (ALLOW, if let Countries::Allow(some) = countries { Some(list(some)) } else { None }),
        (DENY, if let Countries::Deny(some) = countries { Some(list(some)) } else { None }),
        (
            BIND,
            match bind {
                Bind::Nothing => None,
                Bind::Network => Some(Value::Int(1)),
                Bind::Address => Some(Value::Int(2)),
            },
        ),
        (PREVIEW, preview_s.map(|seconds| Value::Int(seconds.into()))),
        (DEVICES, devices_max.map(|devices| Value::Int(devices.into()))),
        (
            WATERMARK,
            watermark.map(|form| match form {
                Watermark::A => Value::Int(1),
                Watermark::B => Value::Int(2),
            }),
        ),
    ];
    let some = members.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    let map = Value::map(some);
    (!policy.is_everything()).then_some(map)
}

/// The policy that CBOR is, if it is one; an unknown member makes it none.
pub(crate) fn read(value: &Value<'_>) -> Option<Policy> {
    let mut policy = Policy::default();
    for (name, value) in value.as_map()? {
        match name.as_int()? {
            HEIGHT => policy.height_max = Some(number(value)?),
            DVR => policy.dvr_s_max = Some(number(value)?),
            ALLOW if policy.countries.is_everywhere() => {
                policy.countries = Countries::Allow(countries(value)?);
            }
            DENY if policy.countries.is_everywhere() => {
                policy.countries = Countries::Deny(countries(value)?);
            }
            BIND => {
                policy.bind = match value.as_int()? {
                    1 => Bind::Network,
                    2 => Bind::Address,
                    _ => return None,
                }
            }
            PREVIEW => policy.preview_s = Some(number(value)?),
            DEVICES => policy.devices_max = Some(number(value)?),
            WATERMARK => {
                policy.watermark = Some(match value.as_int()? {
                    1 => Watermark::A,
                    2 => Watermark::B,
                    _ => return None,
                });
            }
            _ => return None,
        }
    }
    Some(policy)
}

fn number<T: TryFrom<i64>>(value: &Value<'_>) -> Option<T> {
    value.as_int().and_then(|number| number.try_into().ok())
}

fn countries(value: &Value<'_>) -> Option<Vec<Country>> {
    let list = value.as_array().filter(|list| list.len() <= COUNTRIES_MAX)?;
    list.iter().map(|country| country.as_text()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_reads_back() {
        assert_eq!(write(&Policy::default()), None);
        for text in [
            r#"{"height_max":720}"#,
            r#"{"dvr_s_max":0,"bind":"network"}"#,
            r#"{"countries":{"allow":["DE","AT"]},"watermark":"a"}"#,
            r#"{"countries":{"allow":[]}}"#,
            r#"{"countries":{"deny":["FR"]},"bind":"address"}"#,
            r#"{"preview_s":300,"devices_max":2,"watermark":"b"}"#,
        ] {
            let policy: Policy = serde_json::from_str(text).unwrap();
            let bytes = write(&policy).unwrap().to_bytes();
            assert_eq!(read(&Value::read(&bytes).unwrap()), Some(policy), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_is_no_policy() {
        for value in [
            Value::Null,
            Value::map([(8, 1.into())]),
            Value::map([(HEIGHT, 70_000.into())]),
            Value::map([(DVR, (-1).into())]),
            Value::map([(BIND, 3.into())]),
            Value::map([(WATERMARK, 0.into())]),
            Value::map([(ALLOW, Value::Array(vec!["GER".into()]))]),
            Value::map([(ALLOW, Value::Array(vec![])), (DENY, Value::Array(vec![]))]),
        ] {
            assert_eq!(read(&value), None, "{value:?}");
        }
    }
}
