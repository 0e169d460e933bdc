"""The legacy Fitbit Web API, switched off by Google on 2026-11-02."""
