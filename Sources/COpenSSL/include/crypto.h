#ifndef POSTERN_CRYPTO_H
#define POSTERN_CRYPTO_H

// What of OpenSSL's libcrypto (3.0 or later) checking a token needs: digests, random bytes, public keys, signatures.
// No policy here: which algorithms and sizes are good is the caller's to say.
//
// Any thread. Functions that return int return 1 for success or "yes" and 0 otherwise; none leaves anything in the
// error queue. Bytes are the caller's, good for the length of the call; `digest` has room for 32 bytes.

#include <stddef.h>
#include <stdint.h>

// An EVP_PKEY with a public key in it. Several threads may verify with one at a time.
struct evp_pkey_st;

enum postern_key_kind { POSTERN_KEY_OTHER = 0, POSTERN_KEY_RSA, POSTERN_KEY_P256, POSTERN_KEY_ED25519 };

int postern_sha256(const uint8_t *bytes, size_t count, uint8_t *digest);
int postern_hmac_sha256(
    const uint8_t *key, size_t key_count, const uint8_t *bytes, size_t count, uint8_t *digest);
// Whether `count` bytes are the same, in a time that does not depend on what they are.
int postern_equal_bytes(const uint8_t *one, const uint8_t *other, size_t count);
// Bytes fit for secrets.
int postern_random_bytes(uint8_t *bytes, size_t count);

// The first public key of a PEM text: "PUBLIC KEY", or that of a "CERTIFICATE", whose signature and dates are not
// looked at. NULL where there is none. Never asks for a passphrase.
struct evp_pkey_st *postern_key_from_pem(const uint8_t *text, size_t count);
// Keys from the numbers that a JSON Web Key has (RFC 7518, section 6; RFC 8037, section 2), big-endian. NULL where they
// are no key.
struct evp_pkey_st *postern_key_from_rsa(const uint8_t *n, size_t n_count, const uint8_t *e, size_t e_count);
// `x` and `y` have 32 bytes each; a point that is not on P-256 is no key.
struct evp_pkey_st *postern_key_from_p256(const uint8_t *x, const uint8_t *y);
// `x` has 32 bytes.
struct evp_pkey_st *postern_key_from_ed25519(const uint8_t *x);
void postern_key_free(struct evp_pkey_st *key);

enum postern_key_kind postern_key_kind(const struct evp_pkey_st *key);
int postern_key_bits(const struct evp_pkey_st *key);
// Whether a key keeps what its kind asks for: an odd modulus and an odd exponent above 1; a point on the curve.
int postern_key_is_sound(struct evp_pkey_st *key);

// Whether `signature` is `key`'s over `bytes`: RSASSA-PKCS1-v1_5 with SHA-256; Ed25519; ECDSA with P-256 and SHA-256,
// whose signature is r and s, 32 bytes each (RFC 7518, section 3.4). 0 for a key of another kind.
int postern_verify_rs256(
    struct evp_pkey_st *key, const uint8_t *bytes, size_t count, const uint8_t *signature, size_t signature_count);
int postern_verify_es256(
    struct evp_pkey_st *key, const uint8_t *bytes, size_t count, const uint8_t *signature, size_t signature_count);
int postern_verify_ed25519(
    struct evp_pkey_st *key, const uint8_t *bytes, size_t count, const uint8_t *signature, size_t signature_count);

#endif
