"""The servers that the integration tests talk to: emulators and doubles, as processes of their own."""
