"""Certificates for tests, made by the openssl command: an authority, servers' and clients'."""

import subprocess


class Authority:
    """Signs certificates in a directory of its own."""

    def __init__(self, directory, name="authority"):
        self.directory = directory
        self.certificate = directory / f"{name}.pem"
        self.key = directory / f"{name}.key"
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"),
            *("-subj", f"/CN=Postern test {name}", "-keyout", self.key, "-out", self.certificate),
        )

    def issue(self, name, *alternatives, days=30, rsa=False):
        """A certificate for these names; the paths of it and its key."""
        certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        request = self.directory / f"{name}.csr"
        self._openssl("req", "-new", "-newkey", *kind, "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={','.join(alternatives or (f'DNS:{name}',))}\n")
        self._openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial"),
            *("-days", str(days), "-extfile", extensions, "-out", certificate),
        )
        return certificate, key

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
