"""Certificates as a pod sees them: in a folder that the kubelet fills from a Secret, and renews."""

import os
import shutil
import socket
import ssl
import subprocess
from pathlib import Path


def write_certificate(folder: Path, name: str, *, host: str = "localhost") -> None:
    """Write a self-signed `tls.crt`, its `tls.key`, and the same as `ca.crt`, as a new version of the mount.

    Args:
        folder: The mount.
        name: Common name of the certificate, and name of the version.
        host: Host name that the certificate is for, beside 127.0.0.1.
    """
    folder.mkdir(exist_ok=True)
    version = folder / f"..{name}"
    version.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1",
         "-keyout", str(version / "tls.key"), "-out", str(version / "tls.crt")],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    shutil.copy(version / "tls.crt", version / "ca.crt")
    for file in ("tls.crt", "tls.key", "ca.crt"):
        if not (folder / file).is_symlink():
            (folder / file).symlink_to(f"..data/{file}")
    # As the kubelet does: one symbolic link is exchanged.
    (folder / "..new").symlink_to(version.name)
    os.replace(folder / "..new", folder / "..data")


def served_name(port: int, context: ssl.SSLContext | None = None) -> str:
    """Common name of the certificate that a port shows."""
    context = context or ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain, context.wrap_socket(plain) as secure:
        certificate = ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"")
    subject = subprocess.run(
        ["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline"],
        input=certificate, capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    return subject.rpartition("= ")[2].strip()
