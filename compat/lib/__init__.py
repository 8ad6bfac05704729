"""What the scenarios stand on: seeding, servers, client, normalisation, comparison."""
