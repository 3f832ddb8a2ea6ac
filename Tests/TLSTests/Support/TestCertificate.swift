/// A certificate for localhost that vouches for itself, good for a hundred years, and its key. For tests alone: everybody
/// has the key.
enum TestCertificate {
    static let chain = """
        -----BEGIN CERTIFICATE-----
        MIIBgDCCASWgAwIBAgIUb42ueUq1ArlOwLn6BcCzz6sFBEcwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE2NTA1MFoYDzIxMjYxMDMw
        MTY1MDUwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAAQrSkOcSr/TYrG0V0Ph546rj3J96v6htO7FWe5kPoQW8aUE5u8v4VI2
        Z07ZE1VDGFfwSgZ737f/l1L4Jq08dIc0o1MwUTAdBgNVHQ4EFgQUW6FbzG0FrTpu
        g4n+YijGK3ETUJ8wHwYDVR0jBBgwFoAUW6FbzG0FrTpug4n+YijGK3ETUJ8wDwYD
        VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA7jZvdkhHw+IbHBy+nNK3
        GVgfo3fWisrW1AkZrJel2DQCIQDImhe8hNTtIVbOZVLFmdbZgRBZ80smtIaLWogK
        ScbetQ==
        -----END CERTIFICATE-----

        """

    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmDCZSaaHQ6w2n9el
        5wDIpyzAJU+w0PcJFP6/w4wjGcmhRANCAAQrSkOcSr/TYrG0V0Ph546rj3J96v6h
        tO7FWe5kPoQW8aUE5u8v4VI2Z07ZE1VDGFfwSgZ737f/l1L4Jq08dIc0
        -----END PRIVATE KEY-----

        """
}
