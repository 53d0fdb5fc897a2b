//! The ciphers of kube-apiserver's providers, byte for byte: what stands before the ciphertext, and
//! what is authenticated with it.

use aws_lc_rs::{
    aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    cipher::{
        AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    hkdf, rand,
};
use crypto_secretbox::{KeyInit, XSalsa20Poly1305, aead::AeadInPlace};

use super::Refusal;

/// A key, and what is done with it.
pub(super) enum Cipher {
    /// `nonce ‖ ciphertext ‖ tag`; the storage's key is authenticated, so a value can not be moved.
    Gcm(Box<RandomizedNonceKey>),
    /// `iv ‖ ciphertext`, padded; nothing is authenticated.
    Cbc(Box<[u8]>),
    /// `nonce ‖ tag ‖ ciphertext`; the key is not authenticated.
    Secretbox(Box<XSalsa20Poly1305>),
    /// `info ‖ nonce ‖ ciphertext ‖ tag`, under a key that is derived from a seed and `info`, which
    /// is new for every value.
    Derived(Seed),
}

/// What keys are derived from.
pub(super) struct Seed(hkdf::Prk);

const GCM_NONCE: usize = 12;
const BLOCK: usize = 16;
const SECRETBOX_NONCE: usize = 24;
const SECRETBOX_TAG: usize = 16;
/// Bytes of a seed, of a derived key, and of what it is derived with.
pub(super) const SEED: usize = 32;

impl Cipher {
    /// AES-GCM with a key of 16, 24 or 32 bytes.
    pub(super) fn gcm(key: &[u8]) -> Result<Self, Refusal> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            24 => &AES_192_GCM,
            32 => &AES_256_GCM,
            _ => return Err(Refusal::KeySize),
        };
        let key = RandomizedNonceKey::new(algorithm, key).map_err(|_| Refusal::KeySize)?;
        Ok(Self::Gcm(Box::new(key)))
    }

    /// AES-CBC with a key of 16, 24 or 32 bytes.
    pub(super) fn cbc(key: &[u8]) -> Result<Self, Refusal> {
        cbc_key(key).map(|_| Self::Cbc(key.into()))
    }

    /// XSalsa20 and Poly1305 with a key of 32 bytes.
    pub(super) fn secretbox(key: &[u8]) -> Result<Self, Refusal> {
        let cipher = XSalsa20Poly1305::new_from_slice(key).map_err(|_| Refusal::KeySize)?;
        Ok(Self::Secretbox(Box::new(cipher)))
    }

    /// AES-GCM with keys that are derived from a seed of at least 32 bytes.
    pub(super) fn derived(seed: &[u8]) -> Result<Self, Refusal> {
        if seed.len() < SEED {
            return Err(Refusal::KeySize);
        }
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, seed);
        Ok(Self::Derived(Seed(prk)))
    }

    /// Appends `plain`, encrypted, to `out`. `context` is the storage's key.
    pub(super) fn seal(
        &self,
        context: &[u8],
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match self {
            Self::Gcm(key) => {
                let mut sealed = plain.to_vec();
                let nonce = key
                    .seal_in_place_append_tag(Aad::from(context), &mut sealed)
                    .map_err(|_| Refusal::Failed)?;
                out.extend_from_slice(nonce.as_ref());
                out.extend_from_slice(&sealed);
            }
            Self::Cbc(key) => {
                let key = PaddedBlockEncryptingKey::cbc_pkcs7(cbc_key(key)?);
                let mut sealed = plain.to_vec();
                let context = key
                    .map_err(|_| Refusal::KeySize)?
                    .encrypt(&mut sealed)
                    .map_err(|_| Refusal::Failed)?;
                let iv: &[u8] = (&context).try_into().map_err(|_| Refusal::Failed)?;
                out.extend_from_slice(iv);
                out.extend_from_slice(&sealed);
            }
            Self::Secretbox(cipher) => {
                let nonce = random::<SECRETBOX_NONCE>()?;
                let mut sealed = plain.to_vec();
                let tag = cipher
                    .encrypt_in_place_detached(&nonce.into(), &[], &mut sealed)
                    .map_err(|_| Refusal::Failed)?;
                out.extend_from_slice(&nonce);
                out.extend_from_slice(&tag);
                out.extend_from_slice(&sealed);
            }
            Self::Derived(seed) => {
                let info = random::<SEED>()?;
                out.extend_from_slice(&info);
                seed.key(&info)?.seal(context, plain, out)?;
            }
        }
        Ok(())
    }

    /// What was sealed.
    pub(super) fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Gcm(key) => {
                let (nonce, sealed) = split::<GCM_NONCE>(sealed)?;
                let mut plain = sealed.to_vec();
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let length = key
                    .open_in_place(nonce, Aad::from(context), &mut plain)
                    .map_err(|_| Refusal::NotAuthentic)?
                    .len();
                plain.truncate(length);
                Ok(plain)
            }
            Self::Cbc(key) => {
                let (iv, sealed) = split::<BLOCK>(sealed)?;
                let mut plain = sealed.to_vec();
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(cbc_key(key)?);
                let length = key
                    .map_err(|_| Refusal::KeySize)?
                    .decrypt(&mut plain, DecryptionContext::Iv128((*iv).into()))
                    .map_err(|_| Refusal::NotAuthentic)?
                    .len();
                plain.truncate(length);
                Ok(plain)
            }
            Self::Secretbox(cipher) => {
                let (nonce, sealed) = split::<SECRETBOX_NONCE>(sealed)?;
                let (tag, sealed) = split::<SECRETBOX_TAG>(sealed)?;
                let mut plain = sealed.to_vec();
                cipher
                    .decrypt_in_place_detached(&(*nonce).into(), &[], &mut plain, &(*tag).into())
                    .map_err(|_| Refusal::NotAuthentic)?;
                Ok(plain)
            }
            Self::Derived(seed) => {
                let (info, sealed) = split::<SEED>(sealed)?;
                seed.key(info)?.open(context, sealed)
            }
        }
    }
}

impl Seed {
    fn key(&self, info: &[u8; SEED]) -> Result<Cipher, Refusal> {
        let mut key = [0; SEED];
        let info = [&info[..]];
        let derived = self.0.expand(&info, hkdf::HKDF_SHA256);
        derived
            .and_then(|derived| derived.fill(&mut key))
            .map_err(|_| Refusal::Failed)?;
        Cipher::gcm(&key)
    }
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Refusal::Failed)?;
    Ok(bytes)
}

fn cbc_key(key: &[u8]) -> Result<UnboundCipherKey, Refusal> {
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return Err(Refusal::KeySize),
    };
    UnboundCipherKey::new(algorithm, key).map_err(|_| Refusal::KeySize)
}

fn split<const N: usize>(sealed: &[u8]) -> Result<(&[u8; N], &[u8]), Refusal> {
    sealed.split_first_chunk().ok_or(Refusal::TooShort)
}
