"""Services that do what the contracts say, and services with one defect each."""
