#include "crypto.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

enum { DIGEST_BYTES = 32, COORDINATE_BYTES = 32 };

// A result of libcrypto's as 1 or 0. What it left in this thread's error queue would be found by whoever looks next.
static int result(int success) {
    if (success == 1) return 1;
    ERR_clear_error();
    return 0;
}

int postern_sha256(const uint8_t *bytes, size_t count, uint8_t *digest) {
    return result(SHA256(bytes, count, digest) != NULL);
}

int postern_hmac_sha256(
    const uint8_t *key, size_t key_count, const uint8_t *bytes, size_t count, uint8_t *digest) {
    if (key_count > INT_MAX) return 0;
    unsigned int written = 0;
    const uint8_t *made = HMAC(EVP_sha256(), key, (int)key_count, bytes, count, digest, &written);
    return result(made != NULL && written == DIGEST_BYTES);
}

int postern_equal_bytes(const uint8_t *one, const uint8_t *other, size_t count) {
    return CRYPTO_memcmp(one, other, count) == 0;
}

int postern_random_bytes(uint8_t *bytes, size_t count) {
    return result(count <= INT_MAX && RAND_bytes(bytes, (int)count) == 1);
}

// A server has nobody to ask.
static int no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static EVP_PKEY *key_of_certificate(const uint8_t *text, size_t count) {
    BIO *source = BIO_new_mem_buf(text, (int)count);
    if (source == NULL) return NULL;
    X509 *certificate = PEM_read_bio_X509(source, NULL, no_passphrase, NULL);
    EVP_PKEY *key = certificate == NULL ? NULL : X509_get_pubkey(certificate);
    X509_free(certificate);
    BIO_free(source);
    return key;
}

EVP_PKEY *postern_key_from_pem(const uint8_t *text, size_t count) {
    if (count > INT_MAX) return NULL;
    BIO *source = BIO_new_mem_buf(text, (int)count);
    EVP_PKEY *key = source == NULL ? NULL : PEM_read_bio_PUBKEY(source, NULL, no_passphrase, NULL);
    BIO_free(source);
    if (key == NULL) key = key_of_certificate(text, count);
    ERR_clear_error();
    return key;
}

// A public key of `type` from what `builder` holds.
static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *builder) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

EVP_PKEY *postern_key_from_rsa(const uint8_t *n, size_t n_count, const uint8_t *e, size_t e_count) {
    if (n_count > INT_MAX || e_count > INT_MAX) return NULL;
    EVP_PKEY *key = NULL;
    BIGNUM *modulus = BN_bin2bn(n, (int)n_count, NULL);
    BIGNUM *exponent = BN_bin2bn(e, (int)e_count, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (modulus != NULL && exponent != NULL && builder != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1) {
        key = key_from("RSA", builder);
    }
    OSSL_PARAM_BLD_free(builder);
    BN_free(exponent);
    BN_free(modulus);
    ERR_clear_error();
    return key;
}

EVP_PKEY *postern_key_from_p256(const uint8_t *x, const uint8_t *y) {
    uint8_t point[1 + 2 * COORDINATE_BYTES];
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x, COORDINATE_BYTES);
    memcpy(point + 1 + COORDINATE_BYTES, y, COORDINATE_BYTES);
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1) {
        key = key_from("EC", builder);
    }
    OSSL_PARAM_BLD_free(builder);
    ERR_clear_error();
    return key;
}

EVP_PKEY *postern_key_from_ed25519(const uint8_t *x) {
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x, 32);
    ERR_clear_error();
    return key;
}

void postern_key_free(EVP_PKEY *key) { EVP_PKEY_free(key); }

static int is_p256(const EVP_PKEY *key) {
    char name[32];
    int known = EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, NULL);
    return result(known) && strcmp(name, "prime256v1") == 0;
}

enum postern_key_kind postern_key_kind(const EVP_PKEY *key) {
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: return POSTERN_KEY_RSA;
    case EVP_PKEY_EC: return is_p256(key) ? POSTERN_KEY_P256 : POSTERN_KEY_OTHER;
    case EVP_PKEY_ED25519: return POSTERN_KEY_ED25519;
    default: return POSTERN_KEY_OTHER;
    }
}

int postern_key_bits(const EVP_PKEY *key) { return EVP_PKEY_get_bits(key); }

static int is_sound_rsa(const EVP_PKEY *key) {
    BIGNUM *modulus = NULL;
    BIGNUM *exponent = NULL;
    int sound = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
                EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(modulus) &&
                BN_is_odd(exponent) && !BN_is_one(exponent);
    BN_free(exponent);
    BN_free(modulus);
    return result(sound);
}

static int is_sound_point(EVP_PKEY *key) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    int sound = context != NULL && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return result(sound);
}

int postern_key_is_sound(EVP_PKEY *key) {
    switch (postern_key_kind(key)) {
    case POSTERN_KEY_RSA: return is_sound_rsa(key);
    case POSTERN_KEY_P256: return is_sound_point(key);
    case POSTERN_KEY_ED25519: return 1;
    default: return 0;
    }
}

// `type` NULL: the scheme has a digest of its own.
static int verify(
    EVP_PKEY *key, const EVP_MD *type, const uint8_t *bytes, size_t count, const uint8_t *signature,
    size_t signature_count) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = context != NULL && EVP_DigestVerifyInit(context, NULL, type, NULL, key) == 1 &&
               EVP_DigestVerify(context, signature, signature_count, bytes, count) == 1;
    EVP_MD_CTX_free(context);
    return result(good);
}

int postern_verify_rs256(
    EVP_PKEY *key, const uint8_t *bytes, size_t count, const uint8_t *signature, size_t signature_count) {
    if (postern_key_kind(key) != POSTERN_KEY_RSA) return 0;
    return verify(key, EVP_sha256(), bytes, count, signature, signature_count);
}

int postern_verify_ed25519(
    EVP_PKEY *key, const uint8_t *bytes, size_t count, const uint8_t *signature, size_t signature_count) {
    if (postern_key_kind(key) != POSTERN_KEY_ED25519) return 0;
    return verify(key, NULL, bytes, count, signature, signature_count);
}

// The DER that libcrypto wants for a signature of two numbers side by side. The caller frees it with OPENSSL_free.
static int der_of(const uint8_t *signature, uint8_t **der) {
    BIGNUM *r = BN_bin2bn(signature, COORDINATE_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(signature + COORDINATE_BYTES, COORDINATE_BYTES, NULL);
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int count = 0;
    if (r != NULL && s != NULL && pair != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; // the pair's now
        count = i2d_ECDSA_SIG(pair, der);
    }
    ECDSA_SIG_free(pair);
    BN_free(s);
    BN_free(r);
    return count;
}

int postern_verify_es256(
    EVP_PKEY *key, const uint8_t *bytes, size_t count, const uint8_t *signature, size_t signature_count) {
    if (postern_key_kind(key) != POSTERN_KEY_P256 || signature_count != 2 * COORDINATE_BYTES) return 0;
    uint8_t *der = NULL;
    int der_count = der_of(signature, &der);
    int good = der_count > 0 && verify(key, EVP_sha256(), bytes, count, der, (size_t)der_count);
    OPENSSL_free(der);
    return result(good);
}
