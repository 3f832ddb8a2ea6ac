/// Keys made for these tests, of which only the public half is here, and what the private half signed: the claims
/// `{"sub":"orders-service","exp":4102444800,"postern":{"publish":["orders.**"],"subscribe":["orders.*"],"admin":true}}`.
enum TestKeys {
    static let rsaPEM = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0gIwQ/hwBbJ1/xYOEICP
        8Wp0fYfsf8lOBRkbN7coNrDvyKi+Thw2oESez3ls7xWq4hJf/MpTEHdhcwRnqR24
        5LUSoGxKQsQ5/zrFb35/wp92j4vPbuvJejvePEZPcpdTzQU/PGeahRYJf6HV8YR7
        rUYYDGj5WvPtbrGDI3SGEQyJfQQ1mOEzwlu6Ibi2xCrKeUR74Z24qEVIBjY/niHG
        pDzSzkv+jlJHD6V2Rh0SHO8loFP6WRypGIq4cWg3c8BKDi6q8PMACf77vJ+RctTp
        Jk94hBKAC2uTNbKfUSUVLXS/khBbOOJR/WN3sD1b5oODCZSqaV+r3SUz61LhruJD
        gQIDAQAB
        -----END PUBLIC KEY-----
        """

    static let rsaModulus =
        "0gIwQ_hwBbJ1_xYOEICP8Wp0fYfsf8lOBRkbN7coNrDvyKi-Thw2oESez3ls7xWq4hJf_MpTEHdhcwRnqR245LUSoGxKQsQ5_zrF"
        + "b35_wp92j4vPbuvJejvePEZPcpdTzQU_PGeahRYJf6HV8YR7rUYYDGj5WvPtbrGDI3SGEQyJfQQ1mOEzwlu6Ibi2xCrKeUR74Z24"
        + "qEVIBjY_niHGpDzSzkv-jlJHD6V2Rh0SHO8loFP6WRypGIq4cWg3c8BKDi6q8PMACf77vJ-RctTpJk94hBKAC2uTNbKfUSUVLXS_"
        + "khBbOOJR_WN3sD1b5oODCZSqaV-r3SUz61LhruJDgQ"

    static let rsaToken =
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJvcmRlcnMtc2VydmljZSIsImV4cCI6NDEwMjQ0NDgwMCwicG9zdGV"
        + "ybiI6eyJwdWJsaXNoIjpbIm9yZGVycy4qKiJdLCJzdWJzY3JpYmUiOlsib3JkZXJzLioiXSwiYWRtaW4iOnRydWV9fQ.TcvSz8s_"
        + "Vb6jedksjFJzu9ynIwcXYWTLy9ZHUisXHw9geiSOUFctznizCVbGAqUIIOBFf1ASDkf329vst_HIx0pCQPUGCj5YJm6XSjLnQBxb"
        + "lq91vKRi4oS5DpLwkNco05XC2SddFKtcO_EvaqXbK_hCLF3nYI79nILQB4uRCqUuRzp_0SqE8pYVU6Ag7vY6oDHjgxJQ10MZA2hj"
        + "6pMJg0jp-K8zfn5mfCQ0B0Hh5OlfJ4eHr8mY5IXQGqCujPhS-_EBZ-su-HwTpJaNUT9avnlCZRrHU6H8yAeC1kNXvko2IPtyBz0E"
        + "HXa6hoM9vpoE59mMzI5H3MweWxBWdpb9qA"

    static let p256PEM = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnyZMrYMED6TevmLUnll4EfoFq8Bb
        DvAsPH71CV067KB8xFziLY0sPg/ML/69PabhvimmX6FB+lEJzOggt06dBQ==
        -----END PUBLIC KEY-----
        """

    static let p256Certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBhDCCASugAwIBAgIUK7/o2IV2AKYpxogDw+j1dqZuda0wCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMcG9zdGVybi10ZXN0MCAXDTI2MTEyMzE0MzQzM1oYDzIxMjYx
        MDMwMTQzNDMzWjAXMRUwEwYDVQQDDAxwb3N0ZXJuLXRlc3QwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAASfJkytgwQPpN6+YtSeWXgR+gWrwFsO8Cw8fvUJXTrsoHzE
        XOItjSw+D8wv/r09puG+KaZfoUH6UQnM6CC3Tp0Fo1MwUTAdBgNVHQ4EFgQUIXb7
        P52Q3iKzYM/cdDBSbK+EvnowHwYDVR0jBBgwFoAUIXb7P52Q3iKzYM/cdDBSbK+E
        vnowDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBjiDuN347kT0WZ
        ks/X7StBqdayZkgCOjfq32qwR1yqbAIgfL+rep+Y/2gbFMiWuSDbF/rX7sQuFzU3
        GGxAOOMSdqc=
        -----END CERTIFICATE-----
        """

    static let p256X = "nyZMrYMED6TevmLUnll4EfoFq8BbDvAsPH71CV067KA"
    static let p256Y = "fMRc4i2NLD4PzC_-vT2m4b4ppl-hQfpRCczoILdOnQU"

    static let p256Token =
        "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJvcmRlcnMtc2VydmljZSIsImV4cCI6NDEwMjQ0NDgwMCwicG9zdGV"
        + "ybiI6eyJwdWJsaXNoIjpbIm9yZGVycy4qKiJdLCJzdWJzY3JpYmUiOlsib3JkZXJzLioiXSwiYWRtaW4iOnRydWV9fQ.GBhgMVfR"
        + "aG0TA8tMKwVQ4FU-Ro7Io--5Bvxb7TOTftK-dgIgTsXXuxcxJWE5rP7F3bmFYvRcAK0VTI_bxXI15Q"

    static let ed25519PEM = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAp2My6fqKmv5JRp+Brk88zUx3ms8sA8Nhs/l/jsVpC/0=
        -----END PUBLIC KEY-----
        """

    static let ed25519X = "p2My6fqKmv5JRp-Brk88zUx3ms8sA8Nhs_l_jsVpC_0"

    static let ed25519Token =
        "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJvcmRlcnMtc2VydmljZSIsImV4cCI6NDEwMjQ0NDgwMCwicG9zdGV"
        + "ybiI6eyJwdWJsaXNoIjpbIm9yZGVycy4qKiJdLCJzdWJzY3JpYmUiOlsib3JkZXJzLioiXSwiYWRtaW4iOnRydWV9fQ.NrhgtwBf"
        + "JOdg_mTFkZ7jAEP0fZALAQkURvygKyC2FkdJ469WyY6_XuooxpikafdykAj2VpOAxhJr7JZsn4BjBw"

    /// Too short to be taken.
    static let rsa1024PEM = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDO74hHDpeDI4qrQIMhK6dW++iX
        YiYHz7Xxrm/QAg6GkmabiLyA0iDHORiLR1g2nLDvqE/G+7jwnP2XcRGLaoYs3c4c
        Qk/+F9IygP37BBXedmVdNUQVkyx+dWDmqL/2SwRdGOpY6LUJE2UrwZBzuMMG2l8U
        ihoJvf8dqbx50xR0vQIDAQAB
        -----END PUBLIC KEY-----
        """

    /// Of a curve that is not taken.
    static let p384PEM = """
        -----BEGIN PUBLIC KEY-----
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEgJc323c0qi2u0Be9dh4q0AcUXMfd/cbT
        mH2OiK86SYiDBx/7jgMY2Pf/+h3l4a2oVCqhLSf69q2VX+QI0pq6vYNS/Qg1YjFs
        /wLWz8rF5p89mcfKSjqzEAlCE7nx66Td
        -----END PUBLIC KEY-----
        """
}
