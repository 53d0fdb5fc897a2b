//! What kube-apiserver sealed is opened, what is sealed here has its form, and keys change.

use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;

use super::*;
use crate::{Expect, Key as StorageKey, KeyRange, Page, Storage};

fn key(name: &str, byte: u8) -> (String, Vec<u8>) {
    (name.to_owned(), vec![byte; 32])
}

const PLACE: &[u8] = b"/registry/secrets/blue/web";

type Make = fn(&[(String, Vec<u8>)]) -> Result<Provider, Refusal>;

const MAKERS: [(&str, Make); 3] = [
    ("k8s:enc:aesgcm:v1:", Provider::aesgcm),
    ("k8s:enc:aescbc:v1:", Provider::aescbc),
    ("k8s:enc:secretbox:v1:", Provider::secretbox),
];

fn chain(make: Make, keys: &[(String, Vec<u8>)]) -> Chain {
    Chain::new(vec![Arc::new(
        make(keys).expect("the keys are long enough"),
    )])
}

#[test]
fn what_is_sealed_is_opened_again() {
    for (prefix, make) in MAKERS {
        let chain = chain(make, &[key("one", 1)]);
        for length in [0, 1, 15, 16, 17, 4000] {
            let plain = vec![b'x'; length];
            let sealed = chain.seal(PLACE, &plain).expect("it is sealed");
            assert!(sealed.starts_with(format!("{prefix}one:").as_bytes()));
            let again = chain.seal(PLACE, &plain).expect("it is sealed");
            assert_ne!(sealed, again, "a nonce is never used twice");
            let opened = chain.open(PLACE, &sealed).expect("it is opened");
            let expected = Opened {
                value: plain,
                stale: false,
            };
            assert_eq!(opened, expected, "{prefix} {length}");
        }
    }
}

#[test]
fn a_value_that_was_changed_or_moved_is_refused() {
    for (prefix, make) in MAKERS {
        let chain = chain(make, &[key("one", 1)]);
        let sealed = chain.seal(PLACE, b"secret").expect("it is sealed");
        for cut in [prefix.len() + 4, sealed.len() - 1] {
            assert!(chain.open(PLACE, &sealed[..cut]).is_err(), "{prefix} {cut}");
        }
        let moved = chain.open(b"/registry/secrets/red/web", &sealed);
        let binds_the_place = prefix == "k8s:enc:aesgcm:v1:";
        assert_eq!(moved.is_err(), binds_the_place, "{prefix}");
    }
}

#[test]
fn keys_are_rotated_by_putting_a_new_one_first() {
    for (prefix, make) in MAKERS {
        let old = chain(make, &[key("one", 1)]);
        let both = chain(make, &[key("two", 2), key("one", 1)]);
        let new = chain(make, &[key("two", 2)]);
        let sealed = old.seal(PLACE, b"secret").expect("it is sealed");
        let opened = both.open(PLACE, &sealed).expect("the old key is there");
        assert_eq!((&opened.value[..], opened.stale), (&b"secret"[..], true));
        let sealed_anew = both.seal(PLACE, b"secret").expect("it is sealed");
        assert!(!both.open(PLACE, &sealed_anew).expect("it opens").stale);
        assert!(new.open(PLACE, &sealed_anew).is_ok(), "{prefix}");
        assert!(
            matches!(new.open(PLACE, &sealed), Err(Refusal::NoKey(_))),
            "{prefix}"
        );
    }
}

#[test]
fn identity_reads_what_is_not_sealed_and_nothing_else() {
    let providers = || {
        let aesgcm = Provider::aesgcm(&[key("one", 1)]).expect("keys");
        vec![Arc::new(Provider::Identity), Arc::new(aesgcm)]
    };
    let leaving = Chain::new(providers());
    let coming = Chain::new(providers().into_iter().rev().collect());
    let sealed = coming.seal(PLACE, b"secret").expect("it is sealed");
    let opened = leaving.open(PLACE, &sealed).expect("the key is there");
    assert!(opened.stale && opened.value == b"secret");
    assert_eq!(leaving.seal(PLACE, b"secret").expect("as it is"), b"secret");
    assert!(coming.open(PLACE, b"secret").expect("as it is").stale);
    let unknown = b"k8s:enc:other:v1:key:secret";
    assert_eq!(leaving.open(PLACE, unknown), Err(Refusal::NoPrefix));
    assert_eq!(Chain::open_unsealed(unknown), Err(Refusal::Sealed));
}

/// Values that kube-apiserver wrote, with the key that it wrote them with.
#[test]
fn what_kube_apiserver_sealed_is_opened() {
    let secret = "cGludGxlLXRlc3Qta2V5LW9uZS0zMi1ieXRlcy1hYWE=";
    let decode = |text: &str| {
        let engine = base64::engine::general_purpose::STANDARD;
        engine.decode(text).expect("base64")
    };
    let keys = [("key1".to_owned(), decode(secret))];
    let mut opened = 0;
    for line in include_str!("vectors.txt").lines() {
        let mut words = line.split(' ');
        let mut next = || words.next().expect("two words");
        let (key, sealed) = (next(), decode(next()));
        for (prefix, make) in MAKERS {
            if sealed.starts_with(prefix.as_bytes()) {
                let found = chain(make, &keys).open(key.as_bytes(), &sealed);
                let found = found.expect("the key is right");
                assert!(found.value.starts_with(b"k8s\0") && !found.stale, "{key}");
                opened += 1;
            }
        }
    }
    assert_eq!(opened, 6, "two of each provider");
}

#[test]
fn derived_keys_are_those_of_the_seed() {
    let cipher = ciphers::Cipher::derived(&[7; 32]).expect("a seed");
    let mut sealed = Vec::new();
    cipher.seal(PLACE, b"secret", &mut sealed).expect("sealed");
    let same = ciphers::Cipher::derived(&[7; 32]).expect("a seed");
    assert_eq!(same.open(PLACE, &sealed), Ok(b"secret".to_vec()));
    let other = ciphers::Cipher::derived(&[8; 32]).expect("a seed");
    assert_eq!(other.open(PLACE, &sealed), Err(Refusal::NotAuthentic));
    assert!(ciphers::Cipher::derived(&[7; 31]).is_err());
}

#[cfg(feature = "rocksdb")]
fn rules(chain: Chain) -> Rules {
    let chain = Arc::new(chain);
    Box::new(move |key| key.starts_with(b"/registry/").then(|| Arc::clone(&chain)))
}

#[cfg(feature = "rocksdb")]
fn open_encrypted() -> Result<EncryptedStore, crate::OpenError> {
    let inner = Arc::new(crate::RocksStore::open_temporary()?);
    let chain = chain(Provider::aesgcm, &[key("one", 1)]);
    Ok(EncryptedStore::new(inner, rules(chain)))
}

#[cfg(feature = "rocksdb")]
crate::storage_conformance!(encrypted, open_encrypted());

#[cfg(feature = "rocksdb")]
#[tokio::test]
async fn a_store_holds_sealed_values_and_knows_which_are_stale() {
    let inner: Arc<dyn Storage> = Arc::new(crate::RocksStore::open_temporary().expect("opens"));
    let old = chain(Provider::aesgcm, &[key("one", 1)]);
    let store = EncryptedStore::new(Arc::clone(&inner), rules(old));
    let place = StorageKey::from("/registry/secrets/blue/web");
    let value = Bytes::from_static(b"secret");
    let put = store.put(&place, Expect::Absent, value.clone(), None).await;
    let put = put.expect("the key is new");
    let all = KeyRange::all();
    let raw = inner
        .list(&all, Page::default())
        .await
        .expect("answers")
        .value;
    assert!(raw.records[0].value.starts_with(b"k8s:enc:aesgcm:v1:one:"));
    assert!(!store.is_stale(&place).await.expect("answers"));
    store.replace_rules(rules(chain(
        Provider::aesgcm,
        &[key("two", 2), key("one", 1)],
    )));
    assert!(store.is_stale(&place).await.expect("answers"));
    let again = store
        .put(&place, Expect::At(put), value.clone(), None)
        .await;
    again.expect("the revision is the newest");
    assert!(!store.is_stale(&place).await.expect("answers"));
    let found = store.get(&place, put).await.expect("answers").value;
    assert_eq!(found.expect("it is there").value, value);
}
