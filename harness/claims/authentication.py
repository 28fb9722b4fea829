"""Authentication."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=14,
        id="argon2id-preferred",
        section="Password Hashing",
        statement="Argon2id can be the default password hash of a service.",
        hypothesis=("Logins that hash with it leave p99 of other routes below twice the figure without logins."),
        experiment="duet",
    ),
    Claim(
        number=15,
        id="passlib-works",
        section="Authentication Tools",
        statement="passlib hashes with bcrypt and argon2.",
        hypothesis="It hashes and verifies with the current releases of both libraries.",
        experiment="probe",
    ),
    Claim(
        number=16,
        id="asymmetric-signatures-affordable",
        section="JWT Best Practices",
        statement="Tokens signed with RS256 or ES256 are affordable where HS256 is avoided.",
        hypothesis="Checking the signature is less than 5 % of an authenticated request's CPU.",
        experiment="duet",
    ),
)
