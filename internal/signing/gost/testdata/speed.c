/* Times OpenSSL's gost-engine in one process: prints "sign", "verify" (microseconds) and "streebog512" (MB/s).
   Built and run by TestSpeedAgainstGostEngine: cc -O2 speed.c -lcrypto */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void must(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "failed: %s\n", what);
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

int main(void) {
    ENGINE *e;
    EVP_PKEY_CTX *g, *s, *v;
    EVP_PKEY *key = NULL;
    EVP_MD_CTX *h = EVP_MD_CTX_new();
    unsigned char digest[64] = {1, 2, 3}, sig[128], *buf = calloc(1, 1 << 20);
    size_t len;
    double t, best;
    int i, round;

    ENGINE_load_builtin_engines();
    must((e = ENGINE_by_id("gost")) != NULL && ENGINE_init(e) && ENGINE_set_default(e, ENGINE_METHOD_ALL), "loading the engine gost");
    g = EVP_PKEY_CTX_new_id(NID_id_GostR3410_2012_512, e);
    must(g && EVP_PKEY_keygen_init(g) > 0 && EVP_PKEY_CTX_ctrl_str(g, "paramset", "A") > 0, "paramset");
    must(EVP_PKEY_keygen(g, &key) > 0, "keygen");
    s = EVP_PKEY_CTX_new(key, e);
    v = EVP_PKEY_CTX_new(key, e);
    must(EVP_PKEY_sign_init(s) > 0 && EVP_PKEY_verify_init(v) > 0, "init");

    for (best = 1e9, round = 0; round < 5; round++) {
        for (t = now(), i = 0; i < 100; i++) {
            len = sizeof sig;
            must(EVP_PKEY_sign(s, sig, &len, digest, sizeof digest) > 0, "sign");
        }
        if ((t = now() - t) < best) best = t;
    }
    printf("sign %.1f\n", best / 100 * 1e6);
    for (best = 1e9, round = 0; round < 5; round++) {
        for (t = now(), i = 0; i < 100; i++)
            must(EVP_PKEY_verify(v, sig, len, digest, sizeof digest) > 0, "verify");
        if ((t = now() - t) < best) best = t;
    }
    printf("verify %.1f\n", best / 100 * 1e6);
    for (best = 1e9, round = 0; round < 5; round++) {
        t = now();
        must(EVP_DigestInit_ex(h, ENGINE_get_digest(e, NID_id_GostR3411_2012_512), e), "digest");
        for (i = 0; i < 8; i++) EVP_DigestUpdate(h, buf, 1 << 20);
        if ((t = now() - t) < best) best = t;
    }
    printf("streebog512 %.1f\n", 8 * (1 << 20) / best / 1e6);
    return 0;
}
